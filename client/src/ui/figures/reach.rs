//! What was found out about packets' size, DNS and HTTP, in plain words. Pure.

use cnc_model::Family;
use cnc_model::dns::{DnsOutcome, DnsSummary, ResolverAnswer};
use cnc_model::http::{FamilyReach, HttpSummary};
use cnc_model::mtu::MtuSummary;

use crate::ui::text::{bytes, clean, count, ms};

/// The most addresses of an answer that are shown in a line.
const SHOWN_ANSWERS: usize = 4;

pub(super) fn mtu_gist(mtu: &MtuSummary) -> String {
    match (mtu.path_mtu_bytes, mtu.black_hole) {
        (None, _) => "no answer".into(),
        (Some(size), false) => format!("{size} bytes in one piece"),
        (Some(size), true) => format!("{size} bytes; larger packets vanish"),
    }
}

pub(super) fn mtu(mtu: &MtuSummary) -> Vec<String> {
    let Some(size) = mtu.path_mtu_bytes else { return vec!["No answer, not even to a small packet".into()] };
    let mut lines = vec![format!("Path MTU    {size} bytes: the largest packet that arrives in one piece")];
    match (mtu.interface_mtu_bytes, mtu.limited_by) {
        (_, Some(router)) => lines.push(format!("Limited by  the router {router}, which says so")),
        (Some(own), None) if own == size => lines.push("Limited by  this computer's own network interface".into()),
        (Some(_) | None, None) => {}
    }
    if mtu.black_hole {
        lines.push("Larger packets vanish without a word: programs that send them may hang".into());
    }
    lines
}

pub(super) fn dns_gist(dns: &DnsSummary) -> String {
    let asked = dns.resolvers.len() as u64;
    let found = dns.resolvers.iter().filter(|resolver| resolver.found()).count() as u64;
    let mut gist = format!("{found} of {} found it", count(asked, "resolver"));
    if dns.disagree() {
        gist.push_str("; they disagree");
    }
    if dns.resolvers.iter().any(|resolver| resolver.hijacks == Some(true)) {
        gist.push_str("; one invents addresses");
    }
    gist
}

pub(super) fn dns(dns: &DnsSummary) -> Vec<String> {
    let mut lines: Vec<_> = dns.resolvers.iter().map(resolver).collect();
    if dns.resolvers.is_empty() {
        lines.push("This computer names no DNS server".into());
    }
    if dns.disagree() {
        lines.push("The servers' answers contradict each other".into());
    }
    for liar in dns.resolvers.iter().filter(|resolver| resolver.hijacks == Some(true)) {
        lines.push(format!("{} answers with an address to names that nobody has", who(liar)));
    }
    lines
}

fn who(resolver: &ResolverAnswer) -> String {
    resolver.address.map_or_else(|| "this computer".into(), |address| address.to_string())
}

fn resolver(resolver: &ResolverAnswer) -> String {
    let time = resolver.rtt.map_or_else(|| "-".into(), ms);
    let said = match resolver.outcome {
        DnsOutcome::Answered(0) if resolver.answers.is_empty() => "no address".into(),
        DnsOutcome::Answered(0) => answers(resolver),
        DnsOutcome::Answered(3) | DnsOutcome::NotFound => "there is no such name".into(),
        DnsOutcome::Answered(_) => format!("it answered {}", resolver.outcome.word()),
        DnsOutcome::Timeout => "no answer".into(),
        DnsOutcome::Unreachable => "nobody answers there".into(),
        DnsOutcome::Malformed => "what it answered makes no sense".into(),
    };
    format!("{:<24}  {time:>9}  {said}", who(resolver))
}

fn answers(resolver: &ResolverAnswer) -> String {
    let shown: Vec<_> = resolver.answers.iter().take(SHOWN_ANSWERS).map(ToString::to_string).collect();
    let more = resolver.answers.len() - shown.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

pub(super) fn http_gist(http: &HttpSummary) -> String {
    match (http.captive_portal(), http.status, http.total, &http.error) {
        (Some(true), ..) => "something on the way answers instead: a login page?".into(),
        (_, Some(status), Some(total), None) => {
            let broken = match http.broken_family() {
                Some(Family::V6) => "; IPv6 leads nowhere",
                Some(Family::V4) => "; IPv4 leads nowhere",
                Some(Family::Any) | None => "",
            };
            let read = if http.intercepted == Some(true) { "; something inspects TLS" } else { "" };
            format!("status {status} in {}{broken}{read}", ms(total))
        }
        (_, Some(status), _, Some(error)) => format!("status {status}, then {}", clean(error)),
        (_, Some(status), None, None) => format!("status {status}"),
        (_, None, _, error) => error.as_deref().map_or_else(|| "no answer".into(), clean),
    }
}

pub(super) fn http(http: &HttpSummary) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(status) = http.status {
        let place = http.location.as_deref().map(|place| format!(", which points to {}", clean(place)));
        lines.push(format!("Status      {status}{}", place.unwrap_or_default()));
    }
    let phases = [
        ("name", http.dns),
        ("connection", http.tcp),
        ("encryption", http.tls),
        ("first byte", http.first_byte),
        ("in all", http.total),
    ];
    let phases: Vec<_> = phases.iter().filter_map(|(name, took)| Some(format!("{name} {}", ms((*took)?)))).collect();
    if !phases.is_empty() {
        lines.push(format!("Took        {}", phases.join(", ")));
    }
    if http.status.is_some() {
        lines.push(format!("Read        {}", bytes(http.bytes)));
    }
    if let Some(version) = &http.tls_version {
        lines.push(format!("Encryption  {}", clean(version)));
    }
    if let Some(issuer) = &http.issuer {
        lines.push(format!("Signed by   {}", clean(issuer)));
    }
    if http.intercepted == Some(true) {
        lines.push(
            "            which is not who signed the listener's own certificate: something on the way inspects TLS"
                .into(),
        );
    }
    lines.extend(families(http));
    if let Some(proxy) = &http.proxy {
        lines.push(format!("Through     the proxy {}", clean(proxy)));
    }
    if http.captive_portal() == Some(true) {
        lines.push("Something on the way answers in the server's place, as networks do that want a login first".into());
    }
    if let Some(error) = &http.error {
        lines.push(format!("Ended       {}", clean(error)));
    }
    lines
}

/// Says what IPv4 and IPv6 did, each by itself, where the name has both.
fn families(http: &HttpSummary) -> Option<String> {
    let (Some(v4), Some(v6)) = (&http.v4, &http.v6) else { return None };
    let broken = |name: &str, of: &FamilyReach, other: &str| {
        let why = of.error.as_deref().map(clean).unwrap_or_default();
        format!(
            "{name} leads nowhere ({}: {why}) while {other} works: programs that try it first lose time",
            of.address
        )
    };
    Some(match (v4.tcp, v6.tcp) {
        (Some(v4), Some(v6)) => format!("Both work   IPv4 in {}, IPv6 in {}", ms(v4), ms(v6)),
        (Some(_), None) => broken("IPv6", v6, "IPv4"),
        (None, Some(_)) => broken("IPv4", v4, "IPv6"),
        (None, None) => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cnc_model::summary::Measured;

    use super::*;

    #[test]
    fn sizes_are_told_with_what_limits_them() {
        let found = |path, limited_by, black_hole| MtuSummary {
            measured: Measured::default(),
            path_mtu_bytes: path,
            interface_mtu_bytes: Some(1_500),
            black_hole,
            limited_by,
            probes: 3,
        };
        let table = [
            (found(None, None, false), "No answer"),
            (found(Some(1_500), None, false), "own network interface"),
            (found(Some(1_400), Some([192, 0, 2, 1].into()), false), "the router 192.0.2.1"),
            (found(Some(1_420), None, true), "vanish without a word"),
        ];
        for (summary, expected) in table {
            assert!(mtu(&summary).join("\n").contains(expected), "{summary:?}");
        }
    }

    #[test]
    fn a_page_in_place_of_the_servers_is_told() {
        let measured = Measured { host: "http://check.example/generate_204".into(), ..Measured::default() };
        let answered = HttpSummary {
            measured,
            status: Some(302),
            total: Some(Duration::from_millis(20)),
            location: Some("http://login.example/\u{1b}[2J".into()),
            ..HttpSummary::default()
        };
        let told = http(&answered).join("\n");
        assert!(told.contains("in the server's place") && !told.contains('\u{1b}'), "{told}");
        assert!(http_gist(&answered).contains("login page"));
    }

    #[test]
    fn a_broken_ip_version_and_who_reads_along_are_told() {
        let reach = |address: &str, works: bool| FamilyReach {
            address: address.parse().expect("an address"),
            tcp: works.then_some(Duration::from_millis(12)),
            error: (!works).then(|| "nobody answered in 2.3 s".into()),
        };
        let mut summary = HttpSummary {
            status: Some(200),
            total: Some(Duration::from_millis(300)),
            issuer: Some("The company".into()),
            intercepted: Some(true),
            v4: Some(reach("192.0.2.1", true)),
            v6: Some(reach("2001:db8::1", false)),
            ..HttpSummary::default()
        };
        let told = http(&summary).join("\n");
        for expected in ["IPv6 leads nowhere (2001:db8::1: nobody answered in 2.3 s) while IPv4 works", "inspects TLS"]
        {
            assert!(told.contains(expected), "{told}");
        }
        assert_eq!(http_gist(&summary), "status 200 in 300.0 ms; IPv6 leads nowhere; something inspects TLS");
        summary.v6 = Some(reach("2001:db8::1", true));
        assert!(http(&summary).join("\n").contains("Both work   IPv4 in 12.0 ms, IPv6 in 12.0 ms"));
    }

    #[test]
    fn resolvers_are_told_apart() {
        let answer = |last: u8, outcome, answers: &[[u8; 4]]| ResolverAnswer {
            address: Some([192, 0, 2, last].into()),
            rtt: Some(Duration::from_millis(12)),
            outcome,
            answers: answers.iter().map(|&address| address.into()).collect(),
            hijacks: Some(last == 2),
        };
        let known = DnsOutcome::Answered(0);
        let summary = DnsSummary {
            measured: Measured::default(),
            resolvers: vec![
                answer(1, known, &[[198, 51, 100, 1]]),
                answer(2, known, &[[203, 0, 113, 9]]),
                answer(3, DnsOutcome::Answered(2), &[]),
            ],
        };
        let told = dns(&summary).join("\n");
        for expected in ["198.51.100.1", "it answered SERVFAIL", "contradict", "192.0.2.2 answers with an address"] {
            assert!(told.contains(expected), "{expected}: {told}");
        }
        assert_eq!(dns_gist(&summary), "2 of 3 resolvers found it; they disagree; one invents addresses");
    }
}
