//! A client whose every text would be code, were it not taken for text.

use std::time::Duration;

use cnc_integration_tests::browser::Browser;
use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_integration_tests::wire::WireClient;
use cnc_model::outcome::{Failure, Reason};
use cnc_model::summary::Measured;
use cnc_model::system::{Cpu, Interface, InterfaceAddress, SystemInfo};
use cnc_model::test::TraceTest;
use cnc_model::trace::{HopOutcome, HopReply, HopSample, TraceFold};
use cnc_model::{Destination, Item, Outcome, Summary, Test, TestId, Ttl};

/// As in the story.
const EVIL: &str = r#""><img src=x onerror=alert(1)><script>alert(2)</script>{@html 1}"#;

#[tokio::test]
async fn hostile_texts_are_text() {
    let Some(browser) = Browser::find_or_skip() else { return };
    let listener = Listener::start(QUICK).await;
    let mut staff = listener.staff().await;
    let made = staff.create_session(Some("nothing")).await;
    let id = made.session.id;
    let mut client = WireClient::connect(listener.url(), made.code, [1; 32]).await;
    client.consent().await;
    let trace = staff.issue(id, Test::Trace(TraceTest::to(Destination::Listener))).await.id;
    let ping = staff.issue(id, Test::Trace(TraceTest::to(Destination::Gateway))).await.id;
    client.send(ran(TestId::FIRST, Outcome::Completed, Some(Summary::System(machine())))).await;
    client.send(ran(trace, Outcome::Completed, Some(path()))).await;
    let failure = Failure { reason: Reason::Internal, message: format!("{EVIL} failed"), hint: None };
    client.send(ran(ping, Outcome::Failed(failure), None)).await;
    client.stored().await;
    browser.tell("hostile", &listener, &[("CNC_SESSION", &id.to_string())]).await;
}

fn ran(test: TestId, outcome: Outcome, summary: Option<Summary>) -> Vec<Item> {
    let at = Duration::from_millis(1);
    vec![Item::TestStarted { test, at }, Item::TestEnded { test, at, outcome, summary: summary.map(Box::new) }]
}

fn machine() -> SystemInfo {
    let address = InterfaceAddress { address: [192, 0, 2, 1].into(), prefix_bits: 24 };
    let card = Interface { name: format!("{EVIL} card"), addresses: vec![address], ..Interface::default() };
    SystemInfo {
        os_name: Some(EVIL.into()),
        os_version: Some("12".into()),
        architecture: EVIL.into(),
        cpu: Cpu { model: Some(EVIL.into()), ..Cpu::default() },
        interfaces: vec![card],
        proxy: Some(format!("{EVIL} proxy")),
        ..SystemInfo::default()
    }
}

/// A path whose only router has a name like that.
fn path() -> Summary {
    let mut fold = TraceFold::default();
    let router = HopReply { address: [192, 0, 2, 9].into(), rtt: Duration::from_millis(1) };
    let outcome = HopOutcome::Hop(router);
    fold.observe(&HopSample { round: 0, ttl: Ttl::FIRST, at: Duration::ZERO, outcome });
    fold.name(router.address, format!("{EVIL} hop"));
    let measured =
        Measured { host: EVIL.into(), address: None, method: "trace/1".into(), engine: EVIL.into(), shed: 0 };
    Summary::Trace(fold.summary(measured))
}
