//! What was found out about packets' size, DNS and HTTP: a sentence for each, and its figures.

use cnc_model::Family;
use cnc_model::dns::{DnsOutcome, DnsSummary, ResolverAnswer};
use cnc_model::http::{FamilyReach, HttpSummary};
use cnc_model::mtu::MtuSummary;
use maud::{Markup, html};

use super::figures::table;
use super::words::{NOT_MEASURED, counted, data, ms};

pub(super) fn mtu_sentence(to: &str, mtu: &MtuSummary) -> String {
    match (mtu.path_mtu_bytes, mtu.black_hole, mtu.limited_by) {
        (None, ..) => format!("no answer from {to}, not even to a small packet."),
        (Some(size), true, _) => {
            format!("{size} bytes to {to}; larger packets vanish without a word, so that programs may hang.")
        }
        (Some(size), false, Some(router)) => format!("{size} bytes to {to}, as the router {router} says."),
        (Some(size), false, None) => format!("{size} bytes to {to}."),
    }
}

pub(super) fn mtu(mtu: &MtuSummary) -> Markup {
    let bytes = |bytes: Option<u32>| bytes.map_or_else(|| NOT_MEASURED.to_owned(), |bytes| format!("{bytes} bytes"));
    let router = match mtu.limited_by {
        Some(router) => router.to_string(),
        None if mtu.path_mtu_bytes.is_some() && mtu.path_mtu_bytes == mtu.interface_mtu_bytes => {
            "the client’s own interface".to_owned()
        }
        None => "nobody who says so".to_owned(),
    };
    let sizes = [
        ("Path MTU", bytes(mtu.path_mtu_bytes)),
        ("Interface MTU", bytes(mtu.interface_mtu_bytes)),
        ("Packets sent", mtu.probes.to_string()),
    ];
    let limits = [("Limited by", router), ("Black hole", if mtu.black_hole { "yes" } else { "no" }.to_owned())];
    html! { div class="tables" { (table("Sizes", &sizes)) (table("Limits", &limits)) } }
}

pub(super) fn dns_sentence(dns: &DnsSummary) -> String {
    let found = dns.resolvers.iter().filter(|resolver| resolver.found()).count();
    let all = counted(dns.resolvers.len() as u64, "resolver", "resolvers");
    let mut sentence = match found {
        _ if dns.resolvers.is_empty() => format!("{NOT_MEASURED}: there was no resolver to ask."),
        0 => format!("none of {all} gave an address."),
        found => format!("{found} of {all} gave an address."),
    };
    if dns.disagree() {
        sentence.push_str(" Their answers contradict each other.");
    }
    let liars = dns.resolvers.iter().filter(|resolver| resolver.hijacks == Some(true));
    sentence.extend(liars.map(|liar| format!(" {} gives an address for names that nobody has.", who(liar))));
    sentence
}

fn who(resolver: &ResolverAnswer) -> String {
    resolver.address.map_or_else(|| "The system’s own resolver".to_owned(), |address| address.to_string())
}

pub(super) fn dns(dns: &DnsSummary) -> Markup {
    html! {
        div class="scroll" role="region" aria-label="Resolvers" tabindex="0" {
            table {
                caption { "Resolvers" }
                thead { tr { th { "Resolver" } th class="figure" { "Time" } th { "Answer" } th { "Addresses" } } }
                tbody {
                    @for resolver in &dns.resolvers {
                        tr {
                            td { (who(resolver)) }
                            td class="figure" { (resolver.rtt.map_or_else(|| "–".to_owned(), ms)) }
                            td { (answer(resolver)) }
                            td { (addresses(resolver)) }
                        }
                    }
                }
            }
        }
    }
}

fn answer(resolver: &ResolverAnswer) -> String {
    match resolver.outcome {
        DnsOutcome::Answered(_) => resolver.outcome.word().into_owned(),
        DnsOutcome::Timeout => "no answer in time".into(),
        DnsOutcome::Unreachable => "nobody answers there".into(),
        DnsOutcome::Malformed => "makes no sense".into(),
        DnsOutcome::NotFound => "no such name".into(),
    }
}

fn addresses(resolver: &ResolverAnswer) -> String {
    if resolver.answers.is_empty() {
        return "–".to_owned();
    }
    resolver.answers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

pub(super) fn http_sentence(http: &HttpSummary) -> String {
    let ended = http.error.as_deref().map(|error| format!(" It ended early: {error}.")).unwrap_or_default();
    let portal = if http.captive_portal() == Some(true) {
        " Something on the way answers in the server’s place, as networks do that want a login first."
    } else {
        ""
    };
    let found = format!("{portal}{}{}", broken(http), inspected(http));
    match (http.status, http.total) {
        (Some(status), Some(total)) => format!("status {status} after {} in all.{found}{ended}", ms(total)),
        (Some(status), None) => format!("status {status}.{found}{ended}"),
        (None, _) => format!("no answer.{found}{ended}"),
    }
}

fn broken(http: &HttpSummary) -> String {
    let (name, other, reach) = match http.broken_family() {
        Some(Family::V6) => ("IPv6", "IPv4", &http.v6),
        Some(Family::V4) => ("IPv4", "IPv6", &http.v4),
        Some(Family::Any) | None => return String::new(),
    };
    let at = reach.as_ref().map(|reach| format!(" (to {})", reach.address)).unwrap_or_default();
    format!(" {name} leads nowhere{at} while {other} works: programs that try it first lose time on every connection.")
}

fn inspected(http: &HttpSummary) -> String {
    if http.intercepted != Some(true) {
        return String::new();
    }
    let issuer = http.issuer.as_deref().map(|issuer| format!(" (“{issuer}”)")).unwrap_or_default();
    format!(
        " The certificate was signed by another{issuer} than the listener’s own: something on the way inspects TLS."
    )
}

pub(super) fn http(http: &HttpSummary) -> Markup {
    let time = |time: Option<std::time::Duration>| time.map_or_else(|| NOT_MEASURED.to_owned(), ms);
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
    let phases = [
        ("Name found in", time(http.dns)),
        ("Connected in", time(http.tcp)),
        ("Encrypted in", time(http.tls)),
        ("First byte after", time(http.first_byte)),
        ("In all", time(http.total)),
    ];
    let answer = [
        ("Read", data(http.bytes)),
        ("Encryption", text(&http.tls_version)),
        ("Certificate signed by", text(&http.issuer)),
        ("Proxy", text(&http.proxy)),
        ("Points to", text(&http.location)),
    ];
    html! {
        div class="tables" { (table("Phases", &phases)) (table("Answer", &answer)) }
        @if http.v4.is_some() || http.v6.is_some() {
            (table("Connection by IP version", &[("IPv4", family(http.v4.as_ref())), ("IPv6", family(http.v6.as_ref()))]))
        }
    }
}

fn family(reach: Option<&FamilyReach>) -> String {
    match reach {
        None => "the name has no such address".to_owned(),
        Some(FamilyReach { address, tcp: Some(tcp), .. }) => format!("{} to {address}", ms(*tcp)),
        Some(FamilyReach { address, tcp: None, error }) => {
            format!("none to {address}: {}", error.as_deref().unwrap_or(NOT_MEASURED))
        }
    }
}
