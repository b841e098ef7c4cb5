//! `GET /j/CODE`: the user's page. It consumes nothing, for previews of links come here too; a wrong code counts.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use cnc_model::session::SessionRecord;
use cnc_model::test::ThroughputPeer;
use cnc_model::{Code, SessionId, Test};
use http::{HeaderMap, StatusCode, header};
use maud::{Markup, html};

use super::Web;
use super::downloads::{self, Program};
use super::pages::{over, page};
use super::system::System;
use crate::accept::ClientAddress;
use crate::report::words;
use crate::sessions::CodeStanding;

/// What a user meets who opens the link.
pub(super) async fn join(
    State(web): State<Web>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Response {
    // What is no code is no guess.
    let Ok(code) = text.parse::<Code>() else {
        return refused(&web, StatusCode::NOT_FOUND, &NO_CODE);
    };
    let limits = &web.services.limits;
    if let Err(wait) = limits.try_one(address) {
        return over(wait);
    }
    match web.services.sessions.code(code) {
        CodeStanding::Waits(session) => {
            limits.tried_right(address);
            welcome(&web, code, session, &headers).await
        }
        CodeStanding::Spent => refused(&web, StatusCode::GONE, &SPENT),
        CodeStanding::Unknown => refused(&web, StatusCode::NOT_FOUND, &UNKNOWN),
    }
}

/// What is said of a code that opens nothing.
struct No {
    title: &'static str,
    why: &'static str,
    help: &'static str,
}

const NO_CODE: No = No {
    title: "This is no code",
    why: "A code has eight letters or digits, like K7QX-M2PA. The link may have been cut short.",
    help: "Please look at the link again, or ask the person who sent it.",
};
const UNKNOWN: No = No {
    title: "This code is not known",
    why: "It may be mistyped, or it was made too long ago.",
    help: "Please look at it again, or ask the person who gave it to you for a new one.",
};
const SPENT: No = No {
    title: "This code is used up",
    why: "A code works for one device, within the time set for it (30 minutes as a rule). If the program runs on \
          your device already, all is well: you can close this page.",
    help: "If not, please ask the person who gave it to you for a new one.",
};

fn refused(web: &Web, status: StatusCode, no: &No) -> Response {
    let No { title, why, help } = no;
    let body = html! {
        p class="kind" { "Network check by " (web.operator) }
        h1 { (title) }
        p { (why) }
        p { (help) }
    };
    page(status, title, &body)
}

async fn welcome(web: &Web, code: Code, session: SessionId, headers: &HeaderMap) -> Response {
    // Where the record cannot be had just now the page says the same in general words.
    let record = web.services.sessions.record(session).await.ok();
    let programs = downloads::programs(&web.downloads).await;
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let at = Place { code, address: &web.services.address_for_users };
    let body = html! {
        p class="kind" { "Network check by " (web.operator) }
        h1 { "Check your network connection" }
        p {
            (web.operator) " asks you to run a small program that measures your connection while they look at the \
             results with you. Your code is:"
        }
        p class="code" { (code) }
        (at.download(&programs, System::of_agent(agent)))
        h2 { "What will happen" }
        ol {
            li { "You download the program and start it. It installs nothing and needs no password." }
            li { "It shows you who asks, what is measured, about how much data that takes and where it goes. Nothing \
                  is sent before you agree." }
            li { "Each measurement is shown in plain words while it runs. Ctrl-C, or closing the window, stops \
                  everything at once." }
            li { "At the end you get a link to your own report." }
        }
        h2 { "What is collected" }
        (collected(record.as_ref()))
        footer {
            "Opening this page starts nothing and uses nothing up. The code works for one device, within the time set \
             for it (30 minutes as a rule)."
        }
    };
    page(StatusCode::OK, "Check your network connection", &body)
}

fn collected(record: Option<&SessionRecord>) -> Markup {
    let tests: Vec<&Test> = record.into_iter().flat_map(|record| &record.tests).map(|test| &test.what).collect();
    html! {
        ul {
            li { "Your internet address, as this server sees it, and the program’s version." }
            @for test in &tests { li { (in_plain_words(test)) } }
            @if tests.is_empty() { li { "What support asks for, shown to you first." } }
        }
        p {
            "Support may ask for further measurements of this kind meanwhile; the program shows each and keeps within \
             fixed bounds. Names of you and your device, hardware addresses and the name of your Wi-Fi are left out \
             unless you agree to that separately. No files, no passwords, no browsing history."
        }
    }
}

fn in_plain_words(test: &Test) -> String {
    match test {
        Test::System => "About this computer: its system, network adapters, their addresses and DNS servers.".into(),
        Test::Ping(ping) => {
            format!("How long answers take from {}, and how many are lost.", words::destination(&ping.destination))
        }
        Test::Trace(trace) => {
            format!("Which routers lie on the way to {}.", words::destination(&trace.destination))
        }
        Test::Download(load) => {
            format!("How fast data arrives from {}: at most {}.", peer(&load.peer), words::data(load.max_bytes))
        }
        Test::Upload(load) => {
            format!("How fast data goes to {}: at most {}.", peer(&load.peer), words::data(load.max_bytes))
        }
        Test::Mtu(mtu) => format!("How large a packet to {} may be.", words::destination(&mtu.destination)),
        Test::Dns(dns) => format!("What DNS servers answer when asked for {}.", dns.name),
        Test::Http(http) => format!("How long one request to {} takes.", http.url),
    }
}

fn peer(peer: &ThroughputPeer) -> String {
    match peer {
        ThroughputPeer::Listener => "this server".into(),
        ThroughputPeer::Url(url) => url.clone(),
    }
}

/// The code and the address that it is for.
struct Place<'a> {
    code: Code,
    address: &'a str,
}

impl Place<'_> {
    /// The program for the user's system first, all others after it.
    fn download(&self, programs: &[Program], own: Option<System>) -> Markup {
        let for_system = |system| programs.iter().filter(move |program| program.system == system).collect::<Vec<_>>();
        let first = own.map(|system| (system, for_system(system))).filter(|(_, programs)| !programs.is_empty());
        let others = System::ALL.into_iter().filter(|system| first.as_ref().is_none_or(|(own, _)| own != system));
        let others: Vec<_> =
            others.map(|system| (system, for_system(system))).filter(|(_, programs)| !programs.is_empty()).collect();
        html! {
            h2 { "The program" }
            @match &first {
                Some((system, programs)) => (self.offer(*system, programs, true)),
                None if own.is_none() && !programs.is_empty() => {
                    p { "Open this page on the computer that is to be checked, or choose its system:" }
                }
                None => {}
            }
            @if programs.is_empty() {
                p { "No program can be downloaded here. Ask the person who sent you the link for it, then start it \
                     like this:" }
                pre { code { (self.command("cnc")) } }
            }
            @if !others.is_empty() {
                div class="others" {
                    @for (system, programs) in &others { (self.offer(*system, programs, first.is_none())) }
                }
            }
        }
    }

    fn offer(&self, system: System, programs: &[&Program], is_first: bool) -> Markup {
        html! {
            @for program in programs {
                @let architecture = program.architecture.map(|word| format!(" ({word})")).unwrap_or_default();
                @if program.is_started_in_a_shell() {
                    p { (system.name()) (architecture) ": paste this line into a terminal." }
                    pre { code { (self.one_line(program)) } }
                } @else {
                    p {
                        a class=[is_first.then_some("button")] href=(self.link(program)) {
                            "Download for " (system.name()) (architecture)
                        }
                    }
                    @if program.carries_the_code() {
                        p class="soft" { "Open the file when it is there. Its name carries your code, so leave it as it is." }
                    } @else {
                        p class="soft" { "Unpack it, open a terminal in its folder and start it:" }
                        pre { code { (self.command("./cnc")) } }
                    }
                }
            }
        }
    }

    fn link(&self, program: &Program) -> String {
        format!("/downloads/{}?code={}", program.name, self.code)
    }

    fn command(&self, program: &str) -> String {
        format!("{program} run --listener {} --code {}", quoted(self.address), self.code)
    }

    fn one_line(&self, program: &Program) -> String {
        let from = quoted(&format!("{}/downloads/{}", self.address, program.name));
        format!("curl -fLo cnc {from} && chmod +x cnc && {}", self.command("./cnc"))
    }
}

/// Quotes a text for a shell, where it needs that.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/@%+=,".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_read_is_quoted() {
        for (text, safe) in [
            ("https://check.example.com:8443", "https://check.example.com:8443"),
            ("https://[::1]:7443", "'https://[::1]:7443'"),
            ("https://x/;rm -rf $HOME", "'https://x/;rm -rf $HOME'"),
            ("it's", r"'it'\''s'"),
        ] {
            assert_eq!(quoted(text), safe);
        }
    }
}
