//! What the kernel knows of the connections that serve one test: of those that are open, and of those that were.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cnc_model::throughput::TcpInfo;
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// The most connections of one test that are looked at: the most flows that a test has, twice.
const MAX_SOCKETS: usize = 128;

/// The connections of one test.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    seen: Mutex<Seen>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct Seen {
    next: u64,
    open: Vec<(u64, Option<Arc<TcpStream>>)>,
    /// Sums of those that ended.
    past: Sums,
}

/// A connection that serves a test; dropping it takes its last figures.
#[derive(Debug)]
pub struct Attended {
    sockets: Arc<Sockets>,
    id: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    info: TcpInfo,
    /// Of how many connections `info` has figures, and the sum of their round trips.
    count: u32,
    rtts: (u32, Duration),
}

impl Sums {
    fn add(&mut self, one: TcpInfo) {
        let TcpInfo { sent_bytes, retransmitted_bytes, min_rtt, rtt, busy, rwnd_limited, sndbuf_limited } = one;
        self.count += 1;
        self.info.sent_bytes += sent_bytes;
        self.info.retransmitted_bytes += retransmitted_bytes;
        self.info.min_rtt = [self.info.min_rtt, min_rtt].into_iter().flatten().min();
        self.info.busy += busy;
        self.info.rwnd_limited += rwnd_limited;
        self.info.sndbuf_limited += sndbuf_limited;
        if let Some(rtt) = rtt {
            self.rtts = (self.rtts.0 + 1, self.rtts.1 + rtt);
        }
    }

    fn get(self) -> Option<TcpInfo> {
        let rtt = self.rtts.1.checked_div(self.rtts.0);
        (self.count > 0).then_some(TcpInfo { rtt, ..self.info })
    }
}

impl Sockets {
    /// Looks at a connection from now on; `None` stands for one that cannot be looked at.
    pub(super) fn attend(self: &Arc<Self>, socket: Option<Arc<TcpStream>>) -> Attended {
        let mut seen = self.seen();
        let id = seen.next;
        seen.next += 1;
        let socket = socket.filter(|_| seen.open.len() < MAX_SOCKETS);
        seen.open.push((id, socket));
        Attended { sockets: Arc::clone(self), id }
    }

    /// Gives what is known of all of them; `None` where nothing is.
    pub(super) fn info(&self) -> Option<TcpInfo> {
        let seen = self.seen();
        let mut sums = seen.past;
        for socket in seen.open.iter().filter_map(|(_, socket)| socket.as_ref()) {
            if let Some(info) = info(socket) {
                sums.add(info);
            }
        }
        sums.get()
    }

    /// Tells whether there were some and all have ended.
    pub(super) fn have_ended(&self) -> bool {
        let seen = self.seen();
        seen.next > 0 && seen.open.is_empty()
    }

    /// Gives how many are open.
    pub(super) fn open(&self) -> usize {
        self.seen().open.len()
    }

    /// Tells whether there was any.
    pub(super) fn have_begun(&self) -> bool {
        self.seen().next > 0
    }

    /// Waits until all have ended.
    // Liveness: the test's connections end; the caller bounds the wait as well.
    pub(super) async fn all_ended(&self) {
        loop {
            let ended = self.ended.notified();
            if self.have_ended() {
                return;
            }
            ended.await;
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Each change is one entry's, so what is there is whole.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        let mut seen = self.sockets.seen();
        let Some(place) = seen.open.iter().position(|(id, _)| *id == self.id) else { return };
        let (_, socket) = seen.open.swap_remove(place);
        if let Some(last) = socket.as_ref().and_then(info) {
            seen.past.add(last);
        }
        let all = seen.open.is_empty();
        drop(seen);
        if all {
            self.sockets.ended.notify_waiters();
        }
    }
}

#[cfg(target_os = "linux")]
fn info(socket: &Arc<TcpStream>) -> Option<TcpInfo> {
    crate::kernel::tcp::info(socket.as_ref())
}

#[cfg(not(target_os = "linux"))]
const fn info(_: &Arc<TcpStream>) -> Option<TcpInfo> {
    None
}

/// The most payload that waits in a connection's buffer behind what the network takes: small answers wait behind it, and
/// the connection's part of a slow line may be small.
#[cfg(target_os = "linux")]
const UNSENT_BYTES: u32 = 8 * 1024;

/// Keeps what waits in this machine short on a connection that carries a load and small answers beside it.
pub fn keep_short(socket: &TcpStream) {
    #[cfg(target_os = "linux")]
    // Where it cannot be set the answers are slower, which is this machine's part of the truth.
    socket2::SockRef::from(socket).set_tcp_notsent_lowat(UNSENT_BYTES).ok();
    #[cfg(not(target_os = "linux"))]
    let _ = socket;
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn connections_are_summed_while_they_are_open_and_after() {
        let sockets = Arc::<Sockets>::default();
        assert_eq!((sockets.info(), sockets.have_ended()), (None, false));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut attended = Vec::new();
        for _ in 0..2 {
            let connecting = TcpStream::connect(listener.local_addr().expect("bound"));
            let (near, far) = tokio::join!(connecting, listener.accept());
            let (mut near, mut far) = (near.expect("connects"), far.expect("accepted").0);
            near.write_all(&vec![7; 50_000]).await.expect("room");
            far.read_exact(&mut vec![0; 50_000]).await.expect("it comes");
            attended.push((sockets.attend(Some(Arc::new(near))), far));
        }
        let unseen = sockets.attend(None);
        let open = sockets.info().expect("Linux tells");
        assert!(open.sent_bytes >= 100_000 && open.min_rtt.is_some(), "{open:?}");
        drop((attended, unseen));
        assert!(sockets.have_ended());
        sockets.all_ended().await;
        let past = sockets.info().expect("it was told");
        assert_eq!(past.sent_bytes, open.sent_bytes);
    }
}
