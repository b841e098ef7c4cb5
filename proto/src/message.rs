//! What the two ends of a session's stream say to each other.
//!
//! A client takes whatever it cannot read of an order as [`Instruction::Unknown`] and answers that; it never breaks
//! off for it. A listener passes over a client's message of an unknown kind ([`Invalid::Unknown`]).

use cnc_model::message::{ClientMessage, EchoToken, Farewell, Hello, Instruction, ListenerMessage, Welcome, When};
use cnc_model::{ClientKey, Code, TestId};

use crate::invalid::{known, required, unless_unknown};
use crate::scalar::{
    MAX_NAME_BYTES, MAX_URL_BYTES, address, bounded, cut, duration, octets, optional_text, sequence, session_id, text,
    timestamp, us,
};
use crate::{Invalid, test, v1};

/// The most capabilities that a client lists: far more than there are kinds of test.
pub const MAX_CAPABILITIES: usize = 256;
/// The most tests that a welcome announces, as many as a session holds.
pub const MAX_PLANNED: usize = 1_000;

impl From<ClientMessage> for v1::ClientMessage {
    fn from(message: ClientMessage) -> Self {
        use v1::client_message::Message as Wire;
        let wire = match message {
            ClientMessage::Hello(hello) => Wire::Hello(Box::new(hello.into())),
            ClientMessage::Batch(batch) => Wire::Batch(batch.into()),
        };
        Self { message: Some(wire) }
    }
}

impl TryFrom<v1::ClientMessage> for ClientMessage {
    type Error = Invalid;

    fn try_from(wire: v1::ClientMessage) -> Result<Self, Invalid> {
        use v1::client_message::Message as Wire;
        let v1::ClientMessage { message } = wire;
        Ok(match known("ClientMessage.message", message)? {
            Wire::Hello(hello) => Self::Hello((*hello).try_into()?),
            Wire::Batch(batch) => Self::Batch(batch.try_into()?),
        })
    }
}

impl From<Hello> for v1::Hello {
    fn from(hello: Hello) -> Self {
        let Hello { client_version, capabilities, key, code, clock_began, at } = hello;
        Self {
            client_version: cut(client_version, MAX_NAME_BYTES),
            capabilities: capabilities.into_iter().map(|kind| v1::TestKind::from(kind).into()).collect(),
            key: key.expose().to_vec(),
            code: code.map(|code| code.to_string()),
            clock_began_unix_us: clock_began.unix_us(),
            at_us: us(at),
        }
    }
}

impl TryFrom<v1::Hello> for Hello {
    type Error = Invalid;

    fn try_from(wire: v1::Hello) -> Result<Self, Invalid> {
        let v1::Hello { client_version, capabilities, key, code: joining, clock_began_unix_us, at_us } = wire;
        bounded("Hello.capabilities", &capabilities, MAX_CAPABILITIES)?;
        let key = <[u8; 32]>::try_from(key).map_err(|_| Invalid::malformed("Hello.key", "a key has 32 bytes"))?;
        Ok(Self {
            client_version: text("Hello.client_version", client_version, MAX_NAME_BYTES)?,
            capabilities: capabilities.into_iter().filter_map(test::kind).collect(),
            key: ClientKey::new(key),
            code: joining.map(|joining| code("Hello.code", &joining)).transpose()?,
            clock_began: timestamp("Hello.clock_began_unix_us", clock_began_unix_us)?,
            at: duration("Hello.at_us", at_us)?,
        })
    }
}

impl From<ListenerMessage> for v1::ListenerMessage {
    fn from(message: ListenerMessage) -> Self {
        use v1::listener_message::Message as Wire;
        let wire = match message {
            ListenerMessage::Welcome(welcome) => Wire::Welcome(Box::new(welcome.into())),
            ListenerMessage::Instruction(instruction) => Wire::Instruction(instruction.into()),
            ListenerMessage::Acknowledge(through) => {
                Wire::Acknowledge(v1::Acknowledge { through_sequence: through.get() })
            }
            ListenerMessage::Goodbye(Farewell { report_url, document_url }) => {
                Wire::Goodbye(v1::ListenerGoodbye { report_url, document_url })
            }
        };
        Self { message: Some(wire) }
    }
}

impl TryFrom<v1::ListenerMessage> for ListenerMessage {
    type Error = Invalid;

    fn try_from(wire: v1::ListenerMessage) -> Result<Self, Invalid> {
        use v1::listener_message::Message as Wire;
        let v1::ListenerMessage { message } = wire;
        Ok(match message {
            None => Self::Instruction(Instruction::Unknown { test: None }),
            Some(Wire::Welcome(welcome)) => Self::Welcome((*welcome).try_into()?),
            Some(Wire::Instruction(instruction)) => Self::Instruction(instruction.into()),
            Some(Wire::Acknowledge(v1::Acknowledge { through_sequence })) => {
                Self::Acknowledge(sequence("Acknowledge.through_sequence", through_sequence)?)
            }
            Some(Wire::Goodbye(v1::ListenerGoodbye { report_url, document_url })) => Self::Goodbye(Farewell {
                report_url: optional_text("ListenerGoodbye.report_url", report_url, MAX_URL_BYTES)?,
                document_url: optional_text("ListenerGoodbye.document_url", document_url, MAX_URL_BYTES)?,
            }),
        })
    }
}

impl From<Welcome> for v1::Welcome {
    fn from(welcome: Welcome) -> Self {
        let Welcome {
            session,
            code,
            operator,
            public_address,
            acknowledged,
            consented,
            planned,
            speed_token,
            echo_token,
            certificate_issuer,
            own_tests,
        } = welcome;
        Self {
            session: session.to_string(),
            code: code.map(|code| code.to_string()),
            operator: cut(operator, MAX_NAME_BYTES),
            public_address: octets(public_address),
            acknowledged_sequence: acknowledged.get(),
            consented,
            planned: planned.into_iter().take(MAX_PLANNED).map(Into::into).collect(),
            speed_token,
            echo_token: echo_token.map(Vec::from),
            certificate_issuer: certificate_issuer.map(|issuer| cut(issuer, MAX_NAME_BYTES)),
            own_tests,
        }
    }
}

impl TryFrom<v1::Welcome> for Welcome {
    type Error = Invalid;

    /// Tests of which this version does not know the kind are left out of what is planned: they will not be run.
    fn try_from(wire: v1::Welcome) -> Result<Self, Invalid> {
        let v1::Welcome {
            session,
            code: own,
            operator,
            public_address,
            acknowledged_sequence,
            consented,
            planned,
            speed_token,
            echo_token,
            certificate_issuer,
            own_tests,
        } = wire;
        bounded("Welcome.planned", &planned, MAX_PLANNED)?;
        Ok(Self {
            session: session_id("Welcome.session", &session)?,
            code: own.map(|own| code("Welcome.code", &own)).transpose()?,
            operator: text("Welcome.operator", operator, MAX_NAME_BYTES)?,
            public_address: address("Welcome.public_address", &public_address)?,
            acknowledged: sequence("Welcome.acknowledged_sequence", acknowledged_sequence)?,
            consented,
            planned: planned
                .into_iter()
                .filter_map(|test| unless_unknown(test.try_into()).transpose())
                .collect::<Result<_, _>>()?,
            speed_token: text("Welcome.speed_token", speed_token, MAX_NAME_BYTES)?,
            echo_token: echo_token.map(secret).transpose()?,
            certificate_issuer: optional_text("Welcome.certificate_issuer", certificate_issuer, MAX_NAME_BYTES)?,
            own_tests,
        })
    }
}

fn secret(bytes: Vec<u8>) -> Result<EchoToken, Invalid> {
    let wrong = |bytes: Vec<u8>| Invalid::malformed("Welcome.echo_token", format!("{} bytes, not 32", bytes.len()));
    bytes.try_into().map_err(wrong)
}

impl From<Instruction> for v1::Instruction {
    fn from(instruction: Instruction) -> Self {
        use v1::instruction::Instruction as Wire;
        let (test, wire) = match instruction {
            Instruction::Run { test, when, what } => {
                (Some(test), Some(Wire::Run(v1::RunTest { when: Some(when.into()), what: Some(what.into()) })))
            }
            Instruction::Cancel(test) => (Some(test), Some(Wire::Cancel(v1::CancelTest {}))),
            Instruction::End => (None, Some(Wire::End(v1::EndSession {}))),
            Instruction::Unknown { test } => (test, None),
        };
        Self { test: test.map_or(0, TestId::get), instruction: wire }
    }
}

impl From<v1::Instruction> for Instruction {
    /// Whatever cannot be read, or has parameters that this version cannot keep to, is unknown.
    fn from(wire: v1::Instruction) -> Self {
        use v1::instruction::Instruction as Wire;
        let v1::Instruction { test, instruction } = wire;
        let test = TestId::try_from(test).ok();
        let known = match (instruction, test) {
            (Some(Wire::Run(run)), Some(test)) => readable(run).map(|(when, what)| Self::Run { test, when, what }),
            (Some(Wire::Cancel(v1::CancelTest {})), Some(test)) => Some(Self::Cancel(test)),
            (Some(Wire::End(v1::EndSession {})), _) => Some(Self::End),
            (Some(Wire::Run(_) | Wire::Cancel(_)) | None, _) => None,
        };
        known.unwrap_or(Self::Unknown { test })
    }
}

fn readable(run: v1::RunTest) -> Option<(When, cnc_model::Test)> {
    let v1::RunTest { when, what } = run;
    Some((when?.try_into().ok()?, what?.try_into().ok()?))
}

impl From<When> for v1::When {
    fn from(when: When) -> Self {
        use v1::when::When as Wire;
        let wire = match when {
            When::Now => Wire::AtOnce(v1::AtOnce {}),
            When::Stage(stage) => Wire::Stage(stage),
        };
        Self { when: Some(wire) }
    }
}

impl TryFrom<v1::When> for When {
    type Error = Invalid;

    fn try_from(wire: v1::When) -> Result<Self, Invalid> {
        use v1::when::When as Wire;
        let v1::When { when } = wire;
        Ok(match known("When.when", when)? {
            Wire::AtOnce(v1::AtOnce {}) => Self::Now,
            Wire::Stage(stage) => Self::Stage(stage),
        })
    }
}

/// Reads when a test may begin, where it must be said.
pub(crate) fn when(field: &'static str, wire: Option<v1::When>) -> Result<When, Invalid> {
    required(field, wire)?.try_into()
}

pub(crate) fn code(field: &'static str, text: &str) -> Result<Code, Invalid> {
    text.parse::<Code>().map_err(|source| Invalid::malformed(field, source.to_string()))
}
