//! The bounds by name: what is said when one is reached, and what that means for whoever reached it.

use std::time::Duration;

use thiserror::Error;

use super::{
    CONNECTIONS_PER_ADDRESS, DOWNLOADS_PER_ADDRESS, ECHOES_A_SECOND, ITEMS_A_SECOND, STREAMS_PER_ADDRESS,
    TRANSFERS_PER_ADDRESS, WALK_INS_PER_ADDRESS, WATCHERS_PER_SESSION,
};

/// A bound that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Over {
    /// One address tried too many codes or tokens that were wrong.
    #[error("too many wrong codes or tokens came from this address: try again in {}", minutes(*wait))]
    WrongTries {
        /// How long to wait.
        wait: Duration,
    },
    /// See [`STREAMS`](super::STREAMS).
    #[error("this listener has as many clients as it can take: try again in a few minutes")]
    Streams,
    /// See [`STREAMS_PER_ADDRESS`].
    #[error("{STREAMS_PER_ADDRESS} clients are connected from this address, the most there may be: end one first")]
    StreamsPerAddress,
    /// See [`HELLOS`](super::HELLOS).
    #[error("too many clients are joining at this moment: try again in a few seconds")]
    Hellos,
    /// See [`SESSIONS`](super::SESSIONS).
    #[error("this listener has as many sessions as it can hold: end some first, or try again later")]
    Sessions,
    /// See [`WALK_INS_PER_ADDRESS`].
    #[error(
        "{WALK_INS_PER_ADDRESS} sessions without a code run from this address, the most there may be: end one first"
    )]
    WalkIns,
    /// See [`WATCHERS_PER_SESSION`].
    #[error("{WATCHERS_PER_SESSION} watchers follow this session, the most there may be: let one go first")]
    WatchersPerSession,
    /// See [`WATCHERS`](super::WATCHERS).
    #[error("this listener has as many watchers as it can take: let some go first")]
    Watchers,
    /// See [`ITEMS_A_SECOND`].
    #[error("more than {ITEMS_A_SECOND} items a second came for too long: no measurement needs so many")]
    Items,
    /// See [`DOWNLOADS`](super::DOWNLOADS).
    #[error("too many downloads run at this moment: try again in a minute")]
    Downloads,
    /// See [`DOWNLOADS_PER_ADDRESS`].
    #[error("{DOWNLOADS_PER_ADDRESS} downloads run from this address, the most there may be: let one end first")]
    DownloadsPerAddress,
    /// The operator's bound on throughput transfers.
    #[error("too many throughput tests run now: try again in a moment")]
    Transfers,
    /// See [`TRANSFERS_PER_ADDRESS`].
    #[error(
        "{TRANSFERS_PER_ADDRESS} throughput transfers run from this address, the most there may be: let one end first"
    )]
    TransfersPerAddress,
    /// See [`CONNECTIONS_PER_ADDRESS`]. Nothing can be said before TLS is up: the connection is closed.
    #[error("{CONNECTIONS_PER_ADDRESS} connections are open from this address, the most there may be")]
    ConnectionsPerAddress,
    /// See [`HANDSHAKES`](super::HANDSHAKES). Nothing can be said before TLS is up: the
    /// connection waits for its turn, and is closed when that takes too long.
    #[error("too many TLS handshakes are under way")]
    Handshakes,
    /// See [`ECHOES_A_SECOND`]. Nothing is said: the datagram is not given back.
    #[error("more than {ECHOES_A_SECOND} UDP echoes a second were wanted from this address")]
    Echoes,
    /// A peer took too long to read what it had asked for. Nothing more can be said to it: the connection is closed.
    #[error("nothing was read for too long")]
    SlowReader,
}

impl Over {
    /// One of each, in the order in which they are counted.
    pub const ALL: [Self; 17] = [
        Self::WrongTries { wait: Duration::ZERO },
        Self::Streams,
        Self::StreamsPerAddress,
        Self::Hellos,
        Self::Sessions,
        Self::WalkIns,
        Self::WatchersPerSession,
        Self::Watchers,
        Self::Items,
        Self::Downloads,
        Self::DownloadsPerAddress,
        Self::Transfers,
        Self::TransfersPerAddress,
        Self::ConnectionsPerAddress,
        Self::Handshakes,
        Self::Echoes,
        Self::SlowReader,
    ];

    /// Gives the word for it in the metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::WrongTries { .. } => "wrong_tries",
            Self::Streams => "streams",
            Self::StreamsPerAddress => "streams_per_address",
            Self::Hellos => "hellos",
            Self::Sessions => "sessions",
            Self::WalkIns => "walk_ins_per_address",
            Self::WatchersPerSession => "watchers_per_session",
            Self::Watchers => "watchers",
            Self::Items => "items",
            Self::Downloads => "downloads",
            Self::DownloadsPerAddress => "downloads_per_address",
            Self::Transfers => "transfers",
            Self::TransfersPerAddress => "transfers_per_address",
            Self::ConnectionsPerAddress => "connections_per_address",
            Self::Handshakes => "handshakes",
            Self::Echoes => "echoes_per_address",
            Self::SlowReader => "slow_readers",
        }
    }

    /// Tells how long to wait before another try is worth it.
    #[must_use]
    pub const fn retry_after(self) -> Duration {
        match self {
            Self::WrongTries { wait } => wait,
            Self::Transfers | Self::TransfersPerAddress | Self::Hellos | Self::Handshakes => Duration::from_secs(5),
            Self::Streams
            | Self::StreamsPerAddress
            | Self::Sessions
            | Self::WalkIns
            | Self::WatchersPerSession
            | Self::Watchers
            | Self::Items
            | Self::Downloads
            | Self::DownloadsPerAddress
            | Self::ConnectionsPerAddress
            | Self::Echoes
            | Self::SlowReader => Duration::from_mins(1),
        }
    }

    /// Tells whether it is this one peer that has too much, not the listener as a whole.
    #[must_use]
    pub const fn is_the_peers(self) -> bool {
        match self {
            Self::WrongTries { .. }
            | Self::StreamsPerAddress
            | Self::WalkIns
            | Self::Items
            | Self::DownloadsPerAddress
            | Self::TransfersPerAddress
            | Self::ConnectionsPerAddress
            | Self::Echoes
            | Self::SlowReader => true,
            Self::Streams
            | Self::Hellos
            | Self::Sessions
            | Self::WatchersPerSession
            | Self::Watchers
            | Self::Downloads
            | Self::Transfers
            | Self::Handshakes => false,
        }
    }
}

/// Words a wait in whole minutes, rounded up: nobody watches the seconds.
fn minutes(wait: Duration) -> String {
    match wait.as_secs().div_ceil(60) {
        0 | 1 => "a minute".into(),
        many => format!("{many} minutes"),
    }
}
