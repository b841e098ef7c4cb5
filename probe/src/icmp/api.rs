//! ICMP echo by Windows' own function for it, which wants neither privilege nor a rule of the firewall. All unsafe code of
//! pings and traces on Windows is here.
//!
//! The system makes identifier and number and finds each request's answer; the function returns when the request has
//! ended, by its own time at the latest. So each request has a thread of its own, which reads the clock right before and
//! right after, and ends by itself. Events would do with fewer threads, yet Wine 8 writes to freed memory with them.

#![expect(unsafe_code, reason = "the API has no safe form; all that it is lent outlives the call")]

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::ptr::null;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cnc_model::Ttl;
use tokio::sync::oneshot;
use tokio::time::Instant;
use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    ICMP_ECHO_REPLY, ICMPV6_ECHO_REPLY_LH, IP_OPTION_INFORMATION, Icmp6CreateFile, Icmp6ParseReplies, Icmp6SendEcho2,
    IcmpCloseHandle, IcmpCreateFile, IcmpSendEcho2Ex,
};
use windows_sys::Win32::Networking::WinSock::{AF_INET6, IN6_ADDR, IN6_ADDR_0, SOCKADDR_IN6, SOCKADDR_IN6_0};

use crate::kernel::Said;

/// The most requests of this program that are under way: threads are cheap, yet not free. One more is not sent.
const MOST_THREADS: usize = 1_024;
/// A thread's stack in bytes: it calls one function.
const STACK: usize = 128 * 1024;
/// What a reply takes beside its own data: an ICMP error quotes eight bytes, and the system wants room for its own
/// notes on a request that is under way.
const ROOM_BESIDE: usize = 64;
/// `IP_SUCCESS`.
const SUCCESS: u32 = 0;
/// `IP_FLAG_DF`.
const UNDIVIDED: u8 = 2;
/// What Windows gives its packets by itself.
const TTL: u8 = 128;

/// Threads that wait for a request's end.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// A way to ask one address.
#[derive(Clone)]
pub(crate) struct Api {
    handle: Arc<Handle>,
    target: SocketAddr,
}

/// An echo request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) payload: Arc<[u8]>,
    /// How far it may go; as far as systems commonly let packets go without.
    pub(crate) ttl: Option<Ttl>,
    /// Whether it must not be divided, here or on the way; of IPv4 only.
    pub(crate) undivided: bool,
    /// How long its answer is waited for.
    pub(crate) wait: Duration,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) verdict: Verdict,
    /// How long that took.
    pub(crate) rtt: Duration,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was answered.
    Reply {
        from: IpAddr,
        /// The remaining TTL of an IPv4 reply; of IPv6 the system does not tell it.
        ttl: Option<u8>,
    },
    /// An ICMP error came, or the system itself knows that it cannot be delivered.
    Error { from: IpAddr, said: Said },
    /// It could not be sent.
    NotSent,
    /// Nothing came.
    Silence,
}

impl Api {
    /// Opens it.
    pub(crate) fn open(target: SocketAddr) -> io::Result<Self> {
        // SAFETY: these take nothing.
        let handle = unsafe { if target.is_ipv4() { IcmpCreateFile() } else { Icmp6CreateFile() } };
        if handle == INVALID_HANDLE_VALUE {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { handle: Arc::new(Handle(handle)), target })
    }

    /// Sends a request from a thread of its own. How it ended comes when it did; whoever does not want to know drops
    /// the receiver.
    pub(crate) fn send(&self, request: Request) -> io::Result<oneshot::Receiver<End>> {
        let place = Place::take().ok_or_else(|| io::Error::other("too many requests are under way"))?;
        let (tell, told) = oneshot::channel();
        let api = self.clone();
        std::thread::Builder::new().name("cnc-icmp".into()).stack_size(STACK).spawn(move || {
            let _place = place;
            // Whoever asked may be gone.
            tell.send(api.ask(&request)).ok();
        })?;
        Ok(told)
    }

    /// Sends a request and waits for its end.
    fn ask(&self, request: &Request) -> End {
        let options = IP_OPTION_INFORMATION {
            Ttl: request.ttl.map_or(TTL, Ttl::get),
            Flags: if request.undivided { UNDIVIDED } else { 0 },
            ..IP_OPTION_INFORMATION::default()
        };
        let head = size_of::<ICMP_ECHO_REPLY>().max(size_of::<ICMPV6_ECHO_REPLY_LH>());
        // In words, since the reply begins with a structure of such.
        let mut room = vec![0_u64; (head + request.payload.len() + ROOM_BESIDE).div_ceil(size_of::<u64>())];
        let (rtt, verdict) = match self.target {
            SocketAddr::V4(v4) => self.ask_v4(*v4.ip(), request, &options, &mut room),
            SocketAddr::V6(v6) => self.ask_v6(v6, request, &options, &mut room),
        };
        End { verdict, rtt }
    }

    /// Asks by IPv4; the reply is in the room when the call returns.
    fn ask_v4(
        &self,
        target: Ipv4Addr,
        request: &Request,
        options: &IP_OPTION_INFORMATION,
        room: &mut [u64],
    ) -> (Duration, Verdict) {
        let (to, (bytes, millis)) = (u32::from_ne_bytes(target.octets()), sizes(request));
        let (payload, size) = (request.payload.as_ptr().cast(), size_of_words(room));
        let (handle, at) = (self.handle.0, room.as_mut_ptr().cast());
        let none = std::ptr::null_mut();
        let before = Instant::now();
        // SAFETY: without an event the call returns when the request has ended, and all that it is lent outlives it;
        // the sizes are those of what is lent.
        let replies =
            unsafe { IcmpSendEcho2Ex(handle, none, None, null(), 0, to, payload, bytes, options, at, size, millis) };
        let (rtt, error) = (elapsed(before), io::Error::last_os_error());
        if replies == 0 {
            return (rtt, unanswered(&error));
        }
        // SAFETY: the room holds a reply, is larger than its structure, and aligned for it.
        let reply = unsafe { room.as_ptr().cast::<ICMP_ECHO_REPLY>().read() };
        let from = Ipv4Addr::from(reply.Address.to_ne_bytes());
        (rtt, verdict(reply.Status, from.into(), Some(reply.Options.Ttl)))
    }

    /// Asks by IPv6; the reply is to be made out of the room when the call has returned.
    fn ask_v6(
        &self,
        target: SocketAddrV6,
        request: &Request,
        options: &IP_OPTION_INFORMATION,
        room: &mut [u64],
    ) -> (Duration, Verdict) {
        let (to, (bytes, millis)) = (socket_address(target), sizes(request));
        let any = socket_address(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0));
        let (payload, size) = (request.payload.as_ptr().cast(), size_of_words(room));
        let (handle, at) = (self.handle.0, room.as_mut_ptr().cast());
        let none = std::ptr::null_mut();
        let before = Instant::now();
        // SAFETY: as with IPv4.
        let replies = unsafe {
            Icmp6SendEcho2(
                handle,
                none,
                None,
                null(),
                &raw const any,
                &raw const to,
                payload,
                bytes,
                options,
                at,
                size,
                millis,
            )
        };
        let (rtt, error) = (elapsed(before), io::Error::last_os_error());
        if replies == 0 {
            return (rtt, unanswered(&error));
        }
        // SAFETY: the room holds what the call has written, larger than its structure, and aligned for it.
        let reply = unsafe {
            Icmp6ParseReplies(room.as_mut_ptr().cast(), size);
            room.as_ptr().cast::<ICMPV6_ECHO_REPLY_LH>().read()
        };
        let from = Ipv6Addr::from({ reply.Address.sin6_addr }.map(u16::from_be));
        (rtt, verdict(reply.Status, from.into(), None))
    }
}

/// An open handle of the API.
struct Handle(HANDLE);

// SAFETY: it is a number that the system looks up, and its functions may be called from any thread.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it was opened by this module, and whoever uses it holds it.
        unsafe { IcmpCloseHandle(self.0) };
    }
}

/// One of [`MOST_THREADS`], given back when dropped.
struct Place;

impl Place {
    fn take() -> Option<Self> {
        let is_free = |taken| (taken < MOST_THREADS).then_some(taken + 1);
        THREADS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_free).is_ok().then_some(Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        THREADS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Gives the payload's length and the wait in milliseconds, as the API takes them.
fn sizes(request: &Request) -> (u16, u32) {
    let bytes = u16::try_from(request.payload.len()).unwrap_or(u16::MAX);
    (bytes, u32::try_from(request.wait.as_millis()).unwrap_or(u32::MAX))
}

fn size_of_words(room: &[u64]) -> u32 {
    u32::try_from(size_of_val(room)).expect("some more than a packet")
}

/// The counter may not have gone on: at least one nanosecond passed.
fn elapsed(before: Instant) -> Duration {
    before.elapsed().max(Duration::from_nanos(1))
}

fn verdict(status: u32, from: IpAddr, ttl: Option<u8>) -> Verdict {
    match (status, Said::status(status)) {
        (SUCCESS, _) => Verdict::Reply { from, ttl },
        (_, Some(said)) => Verdict::Error { from, said },
        (_, None) => Verdict::Silence,
    }
}

/// Tells what it means that there is no reply: nothing came in time, or nothing was sent.
fn unanswered(error: &io::Error) -> Verdict {
    /// `IP_REQ_TIMED_OUT`, and what Wine says instead.
    const TIMED_OUT: [i32; 2] = [11_010, 121];
    if error.raw_os_error().is_some_and(|code| TIMED_OUT.contains(&code)) { Verdict::Silence } else { Verdict::NotSent }
}

fn socket_address(address: SocketAddrV6) -> SOCKADDR_IN6 {
    SOCKADDR_IN6 {
        sin6_family: AF_INET6,
        sin6_port: 0,
        sin6_flowinfo: 0,
        sin6_addr: IN6_ADDR { u: IN6_ADDR_0 { Byte: address.ip().octets() } },
        Anonymous: SOCKADDR_IN6_0 { sin6_scope_id: address.scope_id() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_ends_even_if_nobody_waits_for_it() {
        let api = Api::open(SocketAddr::from(([127, 0, 0, 1], 0))).expect("anybody may");
        let (payload, wait) = (Arc::from(b"abc".as_slice()), Duration::from_secs(5));
        let request = Request { payload, ttl: None, undivided: false, wait };
        drop(api.send(request.clone()).expect("sent"));
        let end = api.send(request).expect("sent").await.expect("it ends");
        let from = IpAddr::from([127, 0, 0, 1]);
        assert!(matches!(end.verdict, Verdict::Reply { from: f, ttl: Some(_) } if f == from), "{end:?}");
    }

    #[test]
    fn a_verdict_tells_replies_from_errors_and_silence() {
        let from = IpAddr::from([192, 0, 2, 1]);
        let cases = [
            (0, Verdict::Reply { from, ttl: Some(60) }),
            (11_013, Verdict::Error { from, said: Said::Exceeded }),
            (11_003, Verdict::Error { from, said: Said::Unreachable }),
            (11_010, Verdict::Silence),
        ];
        for (status, expected) in cases {
            assert_eq!(verdict(status, from, Some(60)), expected, "{status}");
        }
        assert_eq!(unanswered(&io::Error::from_raw_os_error(11_010)), Verdict::Silence);
        assert_eq!(unanswered(&io::Error::from_raw_os_error(11_050)), Verdict::NotSent);
    }
}
