//! DNS servers that are dead, that lie, and that contradict each other.

use std::collections::BTreeMap;

use cnc_integration_tests::lines::{Lines, number};
use cnc_lab::{Host, Lab};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::answers::{Answers, dns, dns_at};
use crate::{lab, on};

/// A name that honest servers know, and its address.
const NAME: &str = "known.example";
const ADDRESS: [u8; 4] = [192, 0, 2, 10];

/// Has the host's system ask these servers, in this order.
fn resolvers(client: &Host, servers: &[&Host]) {
    // Its own resolver must not hold the test up longer than what is tested.
    let lines = servers.iter().map(|server| format!("nameserver {}\n", server.v4()));
    client.etc("resolv.conf", &(lines.collect::<String>() + "options timeout:1 attempts:1\n")).expect("written");
}

fn ask(client: &Host, args: &[&str]) -> Lines {
    Lines::of(on(client, "cnc").args(["dns", "--json"]).args(args))
}

/// Gives what one server answered, without the time.
fn told(dns: &Lines, server: &Host) -> Value {
    let resolvers = dns.last["resolvers"].as_array().expect("a list");
    let of = resolvers.iter().find(|resolver| resolver["address"] == server.v4().to_string());
    let of = of.unwrap_or_else(|| panic!("it was not asked: {}", dns.last));
    json!([of["code"], of["answers"], of["hijacks"], of["rtt_ms"].is_number()])
}

fn host(lab: &Lab, name: &str) -> Host {
    lab.host(name).expect("the scenario has it")
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_lying_and_contradicting_servers_are_told_from_honest_ones() {
    let Some(lab) = lab("path7") else { return };
    let mut servers = JoinSet::new();
    let (client, honest, liar, other) =
        (host(&lab, "client"), host(&lab, "server"), host(&lab, "r2"), host(&lab, "r3"));
    let (dead, absent) = (host(&lab, "r5"), host(&lab, "r6"));
    let known = BTreeMap::from([(NAME, ADDRESS.into())]);
    dns(&honest, Answers::knowing(NAME, ADDRESS), &mut servers);
    dns(&liar, Answers::Names { known, others: Some([10, 77, 0, 2].into()) }, &mut servers);
    dns(&other, Answers::knowing(NAME, [198, 51, 100, 1]), &mut servers);
    dns(&dead, Answers::Nothing, &mut servers);
    let sound = json!(["NOERROR", ["192.0.2.10"], false, true]);

    resolvers(&client, &[&dead, &honest]);
    let asked = ask(&client, &[NAME]);
    assert_eq!(told(&asked, &dead), json!(["timeout", [], null, false]), "{}", asked.last);
    assert_eq!(told(&asked, &honest), sound, "{}", asked.last);
    assert_eq!(asked.summary()["disagree"], false, "the dead contradict nobody: {}", asked.last);
    let own = asked.last["resolvers"].as_array().and_then(|all| all.last()).expect("the system's own");
    assert_eq!((&own["address"], &own["answers"]), (&Value::Null, &json!(["192.0.2.10"])), "{own}");

    resolvers(&client, &[&liar, &honest]);
    let asked = ask(&client, &[NAME]);
    assert_eq!(told(&asked, &liar), json!(["NOERROR", ["192.0.2.10"], true, true]), "{}", asked.last);
    assert_eq!(told(&asked, &honest), sound, "{}", asked.last);
    assert_eq!(asked.summary()["disagree"], false, "a liar may tell the truth: {}", asked.last);
    let asked = ask(&client, &["nobody.example"]);
    assert_eq!(told(&asked, &liar), json!(["NOERROR", ["10.77.0.2"], true, true]), "{}", asked.last);
    assert_eq!(told(&asked, &honest), json!(["NXDOMAIN", [], false, true]), "{}", asked.last);
    assert_eq!(asked.summary()["disagree"], true, "{}", asked.last);

    resolvers(&client, &[&honest, &other]);
    let asked = ask(&client, &[NAME]);
    assert_eq!(told(&asked, &other), json!(["NOERROR", ["198.51.100.1"], false, true]), "{}", asked.last);
    assert_eq!(asked.summary()["disagree"], true, "{}", asked.last);

    let asked = ask(&client, &[NAME, "--server", &absent.v4().to_string()]);
    assert_eq!(told(&asked, &absent), json!(["unreachable", [], null, false]), "{}", asked.last);
    assert_eq!(asked.code, 1, "nobody answered: {}", asked.last);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_vanish_and_answers_by_somebody_else_are_told() {
    for (scenario, expected) in [
        ("dns-dead", json!(["timeout", [], null, false])),
        ("dns-lying", json!(["NOERROR", ["203.0.113.66"], true, true])),
    ] {
        let Some(lab) = lab(scenario) else { return };
        let mut servers = JoinSet::new();
        let (client, honest, router) = (host(&lab, "client"), host(&lab, "server"), host(&lab, "r1"));
        dns(&honest, Answers::knowing(NAME, ADDRESS), &mut servers);
        let lies = Answers::Names { known: BTreeMap::new(), others: Some([203, 0, 113, 66].into()) };
        dns_at(&router, 5353, lies, &mut servers);
        resolvers(&client, &[&honest]);
        let asked = ask(&client, &[NAME]);
        assert_eq!(told(&asked, &honest), expected, "{scenario}: {}", asked.last);
        let said = on(&client, "cnc").args(["dns", NAME]).output().expect("it runs");
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let words = if scenario == "dns-dead" { "no answer" } else { "to names that nobody has" };
        assert!(said.contains(words), "{scenario}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_over_40_ms_takes_40_ms() {
    let Some(lab) = lab("delay40") else { return };
    let mut servers = JoinSet::new();
    let server = host(&lab, "server");
    dns(&server, Answers::knowing(NAME, ADDRESS), &mut servers);
    let asked = ask(&host(&lab, "client"), &[NAME, "--server", &server.v4().to_string()]);
    let rtt = number(asked.summary(), "/resolvers/0/rtt_ms");
    // What computing takes on a busy machine is in it.
    assert!((40.0..60.0).contains(&rtt), "{}", asked.last);
}
