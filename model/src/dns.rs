//! What resolvers answer to a name, and how fast (`dns/1`).

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use crate::summary::Measured;

/// The name and version of this method, stored with every result.
pub const METHOD: &str = "dns/1";

/// What became of one question to one resolver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DnsOutcome {
    /// It answered with this response code (RFC 1035, section 4.1.1; RFC 6895).
    Answered(u16),
    /// Nothing came in time.
    Timeout,
    /// The network or the machine there said that nobody listens.
    Unreachable,
    /// What came is no answer to the question.
    Malformed,
    /// The system's own resolver found nothing, and does not tell why.
    NotFound,
}

impl DnsOutcome {
    /// Gives the word for it in JSON and on screens: the code's mnemonic where it is an answer.
    #[must_use]
    pub fn word(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Answered(0) => "NOERROR",
            Self::Answered(1) => "FORMERR",
            Self::Answered(2) => "SERVFAIL",
            Self::Answered(3) => "NXDOMAIN",
            Self::Answered(4) => "NOTIMP",
            Self::Answered(5) => "REFUSED",
            Self::Answered(other) => return Cow::Owned(format!("RCODE{other}")),
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Malformed => "malformed",
            Self::NotFound => "not found",
        })
    }
}

/// One resolver's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolverAnswer {
    /// Who was asked; `None` for the system's own resolver, with its caches and files.
    pub address: Option<IpAddr>,
    /// From the question for the first kind of address to the last answer; `None` without one.
    pub rtt: Option<Duration>,
    /// What came.
    pub outcome: DnsOutcome,
    /// The addresses, in the order of the answer, IPv4 before IPv6, each once.
    pub answers: Vec<IpAddr>,
    /// Whether it answers with an address to a random name that nobody has; `None` when that was not learnt.
    pub hijacks: Option<bool>,
}

/// What all resolvers answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsSummary {
    /// What was asked, and how; the host is the name.
    pub measured: Measured,
    /// The answers, in the system's order of resolvers, its own resolver last.
    pub resolvers: Vec<ResolverAnswer>,
}

impl DnsSummary {
    /// Tells whether any resolver answered at all.
    #[must_use]
    pub fn answered(&self) -> bool {
        self.resolvers.iter().any(|resolver| matches!(resolver.outcome, DnsOutcome::Answered(_)) || resolver.found())
    }

    /// Tells whether resolvers that were asked directly contradict each other: one knows the name and another says
    /// that there is none, or two know it and have no address in common. Large sites answer each question with other
    /// addresses, so that a mere difference is none.
    #[must_use]
    pub fn disagree(&self) -> bool {
        let asked = || self.resolvers.iter().filter(|resolver| resolver.address.is_some());
        let knows = asked().any(ResolverAnswer::found);
        let denies = asked().any(|resolver| resolver.outcome == DnsOutcome::Answered(3));
        let mut found = asked().filter(|resolver| resolver.found());
        let apart = found.next().is_some_and(|first| {
            found.any(|other| !other.answers.iter().any(|address| first.answers.contains(address)))
        });
        (knows && denies) || apart
    }
}

impl ResolverAnswer {
    /// Tells whether it gave an address.
    #[must_use]
    pub const fn found(&self) -> bool {
        !self.answers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: u16, answers: &[u8]) -> ResolverAnswer {
        ResolverAnswer {
            address: Some([192, 0, 2, 53].into()),
            rtt: Some(Duration::from_millis(3)),
            outcome: DnsOutcome::Answered(code),
            answers: answers.iter().map(|&last| [192, 0, 2, last].into()).collect(),
            hijacks: None,
        }
    }

    fn summary(resolvers: Vec<ResolverAnswer>) -> DnsSummary {
        DnsSummary { measured: Measured::default(), resolvers }
    }

    #[test]
    fn resolvers_disagree_when_they_contradict_each_other() {
        let silent = ResolverAnswer { outcome: DnsOutcome::Timeout, rtt: None, ..answer(0, &[]) };
        let own = ResolverAnswer { address: None, ..answer(0, &[9]) };
        let table = [
            (vec![answer(0, &[1]), answer(0, &[1])], false),
            (vec![answer(0, &[1, 2]), answer(0, &[2, 3])], false),
            (vec![answer(0, &[1]), answer(0, &[2])], true),
            (vec![answer(0, &[1]), answer(3, &[])], true),
            (vec![answer(3, &[]), answer(3, &[])], false),
            (vec![answer(0, &[1]), silent.clone()], false),
            (vec![answer(0, &[1]), answer(2, &[])], false),
            (vec![answer(0, &[1]), own], false),
            (vec![silent], false),
        ];
        for (resolvers, disagree) in table {
            assert_eq!(summary(resolvers.clone()).disagree(), disagree, "{resolvers:?}");
        }
    }

    #[test]
    fn codes_are_told_by_their_names() {
        let words = [0, 2, 3, 5, 23].map(|code| DnsOutcome::Answered(code).word());
        assert_eq!(words, ["NOERROR", "SERVFAIL", "NXDOMAIN", "REFUSED", "RCODE23"]);
    }
}
