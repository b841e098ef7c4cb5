//! Questions to resolvers: what they answered.

use cnc_model::dns::{DnsOutcome, DnsSummary, ResolverAnswer};

use crate::invalid::{known, required};
use crate::scalar::{address, addresses, bounded, duration, narrow, octets, us};
use crate::{Invalid, v1};

/// The most resolvers of one test: systems take a handful.
pub const MAX_RESOLVERS: usize = 32;
/// The most addresses of one answer: what fits a DNS message over UDP several times.
pub const MAX_ANSWERS: usize = 64;

impl From<DnsSummary> for v1::DnsSummary {
    fn from(summary: DnsSummary) -> Self {
        let DnsSummary { measured, resolvers } = summary;
        Self {
            measured: Some(measured.into()),
            resolvers: resolvers.into_iter().take(MAX_RESOLVERS).map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::DnsSummary> for DnsSummary {
    type Error = Invalid;

    fn try_from(wire: v1::DnsSummary) -> Result<Self, Invalid> {
        let v1::DnsSummary { measured, resolvers } = wire;
        bounded("DnsSummary.resolvers", &resolvers, MAX_RESOLVERS)?;
        Ok(Self {
            measured: required("DnsSummary.measured", measured)?.try_into()?,
            resolvers: resolvers.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        })
    }
}

impl From<ResolverAnswer> for v1::ResolverAnswer {
    fn from(answer: ResolverAnswer) -> Self {
        use v1::resolver_answer::Outcome as Wire;
        let ResolverAnswer { address, rtt, outcome, answers, hijacks } = answer;
        let none = |why: v1::NoAnswer| Wire::NoAnswer(why.into());
        Self {
            address: address.map(octets),
            rtt_us: rtt.map(us),
            outcome: Some(match outcome {
                DnsOutcome::Answered(code) => Wire::Code(code.into()),
                DnsOutcome::Timeout => none(v1::NoAnswer::Timeout),
                DnsOutcome::Unreachable => none(v1::NoAnswer::Unreachable),
                DnsOutcome::Malformed => none(v1::NoAnswer::Malformed),
                DnsOutcome::NotFound => none(v1::NoAnswer::NotFound),
            }),
            answers: answers.into_iter().take(MAX_ANSWERS).map(octets).collect(),
            hijacks,
        }
    }
}

impl TryFrom<v1::ResolverAnswer> for ResolverAnswer {
    type Error = Invalid;

    fn try_from(wire: v1::ResolverAnswer) -> Result<Self, Invalid> {
        use v1::resolver_answer::Outcome as Wire;
        let v1::ResolverAnswer { address: server, rtt_us, outcome, answers, hijacks } = wire;
        Ok(Self {
            address: server.map(|octets| address("ResolverAnswer.address", &octets)).transpose()?,
            rtt: rtt_us.map(|us| duration("ResolverAnswer.rtt_us", us)).transpose()?,
            outcome: match known("ResolverAnswer.outcome", outcome)? {
                Wire::Code(code) => DnsOutcome::Answered(narrow("ResolverAnswer.code", code)?),
                Wire::NoAnswer(why) => match v1::NoAnswer::try_from(why).unwrap_or_default() {
                    v1::NoAnswer::Unspecified | v1::NoAnswer::Timeout => DnsOutcome::Timeout,
                    v1::NoAnswer::Unreachable => DnsOutcome::Unreachable,
                    v1::NoAnswer::Malformed => DnsOutcome::Malformed,
                    v1::NoAnswer::NotFound => DnsOutcome::NotFound,
                },
            },
            answers: addresses("ResolverAnswer.answers", &answers, MAX_ANSWERS)?,
            hijacks,
        })
    }
}
