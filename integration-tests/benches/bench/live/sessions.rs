//! `sessions`: what ten thousand live sessions cost, a TLS connection each: memory, the processor while nothing
//! happens, and what the samples of some still take to their watchers.
//!
//! Memory and the idle processor stand beside the minimal relay with as many streams; live delays beside the same
//! listener with a hundred sessions.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cnc_integration_tests::listener::Listener;
use cnc_integration_tests::programs::{cpu_time, memory_bytes, program};
use cnc_integration_tests::wire::WireClient;
use cnc_model::Code;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

use super::lane::{join, key};
use super::load::{Load, Target};
use super::{Peer, TURNS, quantiles, version_of};
use crate::certificates::certificates;
use crate::figure::{Bound, Figure, median};

const MANY: u32 = 10_000;
/// Sessions that send, of many or of few.
const LOAD: Load = Load { streams: 100, per_second: 1_000, watchers: 1 };
/// Clients that join side by side: fewer than the wrong codes that an address may try, since a try counts as wrong
/// until the code is found.
const JOINING: u32 = 8;
/// How long the processor is watched while nothing happens.
const IDLE: Duration = Duration::from_mins(1);
/// What a listener may still be busy with after the last client has joined; a new connection's time for its first
/// request is half a minute.
const SETTLE: Duration = Duration::from_secs(40);

/// What a process costs.
struct Cost {
    /// Memory a session, in KiB.
    memory: f64,
    /// Share of a core while nothing happens, in percent.
    idle: f64,
}

/// Measures it.
pub(crate) fn run() -> Result<Vec<Figure>> {
    let runtime = Runtime::new()?;
    let certificates = certificates("localhost")?;
    let relay = runtime.block_on(relay_with_many(certificates.path()))?;
    let few = runtime.block_on(live(certificates.path(), 0))?;
    let many = runtime.block_on(live(certificates.path(), MANY))?;
    let cost = many.1.context("it was measured with many")?;
    let version = format!("minimal tonic {} relay with TLS", version_of("tonic")?);
    let figure = |name: &str, unit, ours, peer, goal: Bound, version: &str| Figure {
        name: format!("sessions {MANY} with TLS: {name}"),
        unit,
        ours,
        peer,
        goal: goal.into(),
        version: version.to_owned(),
        turns: TURNS,
        why: "",
    };
    let few_said = format!("the same listener with {} sessions", LOAD.streams);
    Ok(vec![
        figure("memory a session", "KiB", cost.memory, relay.memory, Bound::Most(50.0), &version),
        figure("idle, of a core", "%", cost.idle, relay.idle, Bound::Most(1.0), &version),
        figure("live 1,000/s p50", "us", many.0[0], few.0[0], Bound::MostOfPeer(2.0), &few_said),
        figure("live 1,000/s p99", "us", many.0[1], few.0[1], Bound::MostOfPeer(2.0), &few_said),
    ])
}

/// Loads a listener that holds quiet sessions besides, and gives p50 and p99 with the quiet ones' cost.
async fn live(certificates: &Path, quiet: u32) -> Result<([f64; 2], Option<Cost>)> {
    let (cert, key) = (certificates.join("cert.pem"), certificates.join("key.pem"));
    let files = [cert.to_str().context("a path")?, key.to_str().context("a path")?];
    let tls = ["--tls-cert", files[0], "--tls-key", files[1]];
    let command = std::process::Command::new(program("cnc-listener"));
    let listener = Listener::start_by(command, "127.0.0.1:0", "", &tls).await;
    let port = listener.url().rsplit_once(':').context("it says its port")?.1;
    let target = Target { endpoint: endpoint(certificates, port)?, token: Some(listener.token()) };
    // What the first sessions make it set up is no session's cost.
    let mut held = hold(&target, LOAD.streams, 0).await?;
    sleep(SETTLE).await;
    let before = memory_bytes(listener.process());
    let mut cost = None;
    if quiet > 0 {
        held.extend(hold(&target, quiet, LOAD.streams).await?);
        cost = Some(idle(listener.process(), before, quiet).await);
    }
    let mut turns = Vec::new();
    for turn in 0..TURNS {
        let first = quiet + LOAD.streams * (u32::try_from(turn)? + 1);
        turns.push(quantiles(LOAD.run(&target, first).await?));
    }
    let middle = |at: usize| median(turns.iter().map(|turn| turn[at]).collect());
    ensure!(held.len() >= quiet as usize, "all are still held");
    Ok(([middle(0), middle(1)], cost))
}

/// Gives what the relay's streams cost it.
async fn relay_with_many(certificates: &Path) -> Result<Cost> {
    let relay = Peer::relay(Some(certificates))?;
    let target = Target { endpoint: endpoint(certificates, &relay.address.port().to_string())?, token: None };
    let first = hold(&target, LOAD.streams, 0).await?;
    sleep(SETTLE).await;
    let before = memory_bytes(relay.child.id());
    let held = hold(&target, MANY, LOAD.streams).await?;
    let cost = idle(relay.child.id(), before, MANY).await;
    drop((first, held));
    Ok(cost)
}

/// Opens sessions in which nothing happens.
async fn hold(target: &Target, count: u32, first: u32) -> Result<Vec<WireClient>> {
    let staff = target.staff().await;
    let mut joining = JoinSet::new();
    for worker in 0..JOINING {
        let (target, mut staff) = (target.clone(), staff.clone());
        let numbers = (first..first + count).skip(worker as usize).step_by(JOINING as usize);
        joining.spawn(async move {
            let mut held = Vec::new();
            for number in numbers.map(u64::from) {
                held.push(match &mut staff {
                    Some(staff) => join(&target, staff, number).await.1,
                    None => WireClient::connect_by(&target.endpoint, Code::from_random(number), key(number)).await,
                });
            }
            held
        });
    }
    Ok(joining.join_all().await.into_iter().flatten().collect())
}

/// Watches a process in which nothing happens.
async fn idle(process: u32, memory_before: u64, sessions: u32) -> Cost {
    sleep(SETTLE).await;
    let (began, cpu) = (Instant::now(), cpu_time(process));
    sleep(IDLE).await;
    let idle = cpu_time(process).saturating_sub(cpu).as_secs_f64() / began.elapsed().as_secs_f64();
    let grown = memory_bytes(process).saturating_sub(memory_before);
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let memory = grown as f64 / 1024.0 / f64::from(sessions);
    Cost { memory, idle: idle * 100.0 }
}

/// Gives how a client connects: TLS, and the connection tried as often as the real client does.
fn endpoint(certificates: &Path, port: &str) -> Result<Endpoint> {
    let ca = Certificate::from_pem(std::fs::read(certificates.join("ca.pem"))?);
    let tls = ClientTlsConfig::new().ca_certificate(ca).domain_name("localhost");
    let endpoint = Endpoint::new(format!("https://127.0.0.1:{port}"))?.tls_config(tls)?;
    Ok(cnc_client::link::kept_alive(endpoint, false))
}
