//! The bounds on the listener as a whole, which an operator may set to what the machine holds.

/// The most clients' streams in all: what the memory of a small machine holds, twice what one listener is measured for.
pub const STREAMS: usize = 20_000;
/// The most streams that wait for their hello: as many as come at once after a restart; each waits 10 s at the most.
pub const HELLOS: usize = 2_048;
/// The most live sessions in all, connected or waiting: as many as streams may be.
pub const SESSIONS: usize = 20_000;
/// The most watchers in all: each may queue 1,024 events.
pub const WATCHERS: usize = 4_096;
/// The most downloads of programs at a time: each holds a file and a buffer open for as long as a slow reader takes.
pub const DOWNLOADS: usize = 256;
/// The most TLS handshakes under way: each costs a core about a millisecond, so no one waits long for a turn.
pub const HANDSHAKES: usize = 512;

/// How many there may be of what, whoever they come from. Each is named as `/metrics` counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Clients' streams; see [`STREAMS`].
    pub streams: usize,
    /// Streams that wait for their hello; see [`HELLOS`].
    pub hellos: usize,
    /// Live sessions; see [`SESSIONS`].
    pub sessions: usize,
    /// Watchers; see [`WATCHERS`].
    pub watchers: usize,
    /// Downloads of programs; see [`DOWNLOADS`].
    pub downloads: usize,
    /// TLS handshakes; see [`HANDSHAKES`].
    pub handshakes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            streams: STREAMS,
            hellos: HELLOS,
            sessions: SESSIONS,
            watchers: WATCHERS,
            downloads: DOWNLOADS,
            handshakes: HANDSHAKES,
        }
    }
}
