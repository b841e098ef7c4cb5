//! What the two ends of a session's stream say to each other.

use std::net::IpAddr;
use std::time::Duration;

use crate::{ClientKey, Code, Item, Sequence, SessionId, Test, TestId, TestKind, Timestamp};

/// What opens a listener's UDP echo for one session: at the head of each datagram that wants to be given back. It goes
/// over the network as it is, and opens nothing else.
pub type EchoToken = [u8; 32];

/// What a client sends.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientMessage {
    /// The first message of every stream.
    Hello(Hello),
    /// Items, contiguous from a sequence.
    Batch(Batch),
}

/// Who a client is and what it can do. It holds nothing that was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Hello {
    /// The client's version.
    pub client_version: String,
    /// The tests that it can run.
    pub capabilities: Vec<TestKind>,
    /// Its key: a known one re-attaches to its session.
    pub key: ClientKey,
    /// The code that the user was given; `None` to walk in or to come back.
    pub code: Option<Code>,
    /// Wall time by the client's clock at which its session clock began.
    pub clock_began: Timestamp,
    /// What its session clock shows as it sends this.
    pub at: Duration,
}

/// Items of one client, contiguous from a sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The first item's sequence.
    pub first: Sequence,
    /// The items; at most [`MAX_BATCH_ITEMS`].
    pub items: Vec<Item>,
}

impl Batch {
    /// Gives the last item's sequence; the one before the first when there are none.
    #[must_use]
    pub fn last(&self) -> Sequence {
        Sequence::new((self.first.get() + self.items.len() as u64).saturating_sub(1))
    }
}

/// The most items of one batch: enough to catch up fast, few enough that a reader is never long at one message.
pub const MAX_BATCH_ITEMS: usize = 64;

/// What a listener sends.
#[derive(Debug, Clone, PartialEq)]
pub enum ListenerMessage {
    /// The answer to hello.
    Welcome(Welcome),
    /// An order.
    Instruction(Instruction),
    /// All items up to this sequence are durable: the client may forget them.
    Acknowledge(Sequence),
    /// The session is over and all is stored; nothing follows.
    Goodbye(Farewell),
}

/// Where a session's papers are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Farewell {
    /// Where the user can read the report, where there is one for them.
    pub report_url: Option<String>,
    /// Where those who asked for it keep the report as a document, which the user may or may not be let in to.
    pub document_url: Option<String>,
}

/// What a client needs to know before the user is asked to agree.
#[derive(Debug, Clone, PartialEq)]
pub struct Welcome {
    /// The session.
    pub session: SessionId,
    /// The code, for a walk-in to read out.
    pub code: Option<Code>,
    /// Who asks: the organisation's name as the operator configured it.
    pub operator: String,
    /// The client's address as the listener sees it.
    pub public_address: IpAddr,
    /// The last item that is durable: sending goes on after it.
    pub acknowledged: Sequence,
    /// Whether the user's consent is stored already.
    pub consented: bool,
    /// What will be asked once the user agrees.
    pub planned: Vec<Test>,
    /// Opens the listener's speed endpoints for this session.
    pub speed_token: String,
    /// Opens the listener's UDP echo for this session; `None` where it has none.
    pub echo_token: Option<EchoToken>,
    /// Who signed the listener's certificate; `None` where it does not speak TLS itself.
    pub certificate_issuer: Option<String>,
    /// How many more tests that the client ran by itself this session takes.
    pub own_tests: u32,
}

/// One order of the listener.
#[derive(Debug, Clone, PartialEq)]
pub enum Instruction {
    /// Run a test. A client that has it already ignores the repetition.
    Run {
        /// Its id in this session.
        test: TestId,
        /// When it may begin.
        when: When,
        /// What to run.
        what: Test,
    },
    /// Stop a test.
    Cancel(TestId),
    /// Stop everything, send what is left and say goodbye.
    End,
    /// Something that this client is too old to know; it is answered as unsupported.
    Unknown {
        /// The test that it was about, where that could be read.
        test: Option<TestId>,
    },
}

/// When a test may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum When {
    /// At once, beside whatever runs.
    Now,
    /// When all tests of earlier stages have ended.
    Stage(u32),
}
