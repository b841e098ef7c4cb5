//! A hostile client at a real listener: each misdeed gets a clear answer, the listener stays whole, and a well-behaved
//! session beside it notices nothing.

mod calls;
mod http;
mod intruder;
mod messages;
mod strain;
mod streams;

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use cnc_integration_tests::client::Client;
use cnc_integration_tests::listener::Listener;
use cnc_integration_tests::programs::program;
use cnc_integration_tests::staff::{Staff, Watcher};
use cnc_integration_tests::store;
use cnc_model::test::{PingProtocol, PingTest};
use cnc_model::{Destination, SessionId, Test};

/// A plan whose first test is a ping, for items to belong to, and one that a well-behaved client is content with.
const PLANS: &str = r#"
operator = "the tests"
walk_in = false

[plan.ping]
description = "a ping"

[[plan.ping.stage]]
tests = [{ ping = "127.0.0.1", protocol = "tcp:9", count = 3, interval = "10ms", timeout = "500ms" }]

[plan.nothing]
description = "only the machine"

[[plan.nothing.stage]]
tests = [{ system = true }]
"#;

/// How much a listener may grow while it is molested: what its allocator keeps, and no more.
const GROWTH_BYTES: u64 = 48 << 20;

/// Probes of the well-behaved session: it lasts as long as the misdeeds beside it.
const PROBES: u32 = 100;

/// A listener with a well-behaved session under way.
struct Scene {
    listener: Listener,
    log: PathBuf,
    _folder: tempfile::TempDir,
    staff: Staff,
    good: Good,
    memory: u64,
}

struct Good {
    id: SessionId,
    client: Client,
    watcher: Watcher,
}

impl Scene {
    async fn set() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("listener.log");
        let mut command = std::process::Command::new(program("cnc-listener"));
        command.stderr(File::create(&log).expect("a file"));
        let listener = Listener::start_by(command, "127.0.0.1:0", PLANS, &[]).await;
        let mut staff = listener.staff().await;
        let made = staff.create_session(Some("nothing")).await;
        let id = made.session.id;
        let client = Client::run(listener.url(), Some(&made.code.to_string()));
        let mut watcher = staff.watch(id).await;
        watcher.plan_done().await;
        let mut ping = PingTest::to(Destination::Host("127.0.0.1".parse().expect("an address")));
        ping.protocol = PingProtocol::Tcp(9.try_into().expect("a port"));
        (ping.count, ping.interval) = (PROBES, Duration::from_millis(20));
        staff.issue(id, Test::Ping(ping)).await;
        let memory = listener.memory_bytes();
        Self { listener, log, _folder: folder, staff, good: Good { id, client, watcher }, memory }
    }

    /// Ends the good session and holds what the scene promises.
    async fn closes_well(self) {
        let Self { listener, log, _folder: _, mut staff, good: Good { id, client, mut watcher }, memory } = self;
        // The machine, and the ping.
        watcher.until("the ping is known", |watcher| watcher.tests.len() == 2).await;
        watcher.plan_done().await;
        staff.end(id).await;
        watcher.over().await;
        let ended = client.ended().await;
        assert_eq!(ended.code, 0, "{}", ended.said);
        assert!(!ended.said.contains("Out of touch"), "the good session was disturbed:\n{}", ended.said);
        assert_eq!(store::samples(&listener.store(), &id.to_string()), PROBES as usize);
        assert_eq!(ended.samples_sent(), PROBES as usize);
        let grown = listener.memory_bytes().saturating_sub(memory);
        assert!(grown < GROWTH_BYTES, "the listener grew by {} MiB", grown >> 20);
        assert_eq!(listener.stop().await, Some(0));
        let log = std::fs::read_to_string(log).expect("its log");
        assert!(!log.contains("panicked"), "{log}");
    }
}
