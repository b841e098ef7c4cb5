//! What Linux knows of a TCP connection (`TCP_INFO`), read by hand: libc's structure ends before what is wanted here.

use std::os::fd::{AsFd, AsRawFd as _};
use std::time::Duration;

use cnc_model::throughput::TcpInfo;

/// As much of the structure as is looked at; an older kernel gives less.
const INFO_BYTES: usize = 216;

/// Where what stands, in bytes from its begin (linux/tcp.h; what is there never moves).
const RTT_US: usize = 68;
const MIN_RTT_US: usize = 148;
const BUSY_US: usize = 168;
const RWND_LIMITED_US: usize = 176;
const SNDBUF_LIMITED_US: usize = 184;
const BYTES_SENT: usize = 200;
const BYTES_RETRANS: usize = 208;

/// Asks what the kernel knows of a connection now.
#[expect(unsafe_code, reason = "no crate asks for this")]
pub(crate) fn info(socket: &impl AsFd) -> Option<TcpInfo> {
    let mut bytes = [0_u8; INFO_BYTES];
    let mut length = libc::socklen_t::try_from(INFO_BYTES).expect("some hundred");
    let descriptor = socket.as_fd().as_raw_fd();
    // SAFETY: the descriptor is open as long as it is borrowed, and the pointers are to an array and its length.
    let result = unsafe {
        libc::getsockopt(descriptor, libc::IPPROTO_TCP, libc::TCP_INFO, bytes.as_mut_ptr().cast(), &raw mut length)
    };
    (result == 0).then(|| parse(bytes.get(..usize::try_from(length).unwrap_or(0)).unwrap_or(&bytes)))
}

/// Reads the structure. What a kernel does not know is zero there, and not measured here.
fn parse(bytes: &[u8]) -> TcpInfo {
    let small = |at: usize| bytes.get(at..at + 4).and_then(|field| field.try_into().ok()).map_or(0, u32::from_ne_bytes);
    let large = |at: usize| bytes.get(at..at + 8).and_then(|field| field.try_into().ok()).map_or(0, u64::from_ne_bytes);
    let rtt = |at| Some(small(at)).filter(|us| !matches!(*us, 0 | u32::MAX)).map(|us| Duration::from_micros(us.into()));
    let time = |at| Duration::from_micros(large(at));
    TcpInfo {
        sent_bytes: large(BYTES_SENT),
        retransmitted_bytes: large(BYTES_RETRANS),
        min_rtt: rtt(MIN_RTT_US),
        rtt: rtt(RTT_US),
        busy: time(BUSY_US),
        rwnd_limited: time(RWND_LIMITED_US),
        sndbuf_limited: time(SNDBUF_LIMITED_US),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn what_is_not_there_is_not_measured() {
        let mut bytes = vec![0xff_u8; INFO_BYTES];
        bytes[RTT_US..RTT_US + 4].copy_from_slice(&1_500_u32.to_ne_bytes());
        bytes[BUSY_US..BUSY_US + 8].copy_from_slice(&7_u64.to_ne_bytes());
        let all = parse(&bytes);
        assert_eq!((all.rtt, all.min_rtt), (Some(Duration::from_micros(1_500)), None));
        assert_eq!(all.busy, Duration::from_micros(7));
        let older = parse(&bytes[..104]);
        assert_eq!((older.rtt, older.busy, older.sent_bytes), (all.rtt, Duration::ZERO, 0));
        assert_eq!(parse(&[]), TcpInfo::default());
    }

    #[test]
    fn a_connection_tells_what_it_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let mut near = TcpStream::connect(listener.local_addr().expect("bound")).expect("connects");
        let (mut far, _) = listener.accept().expect("accepted");
        near.write_all(&vec![7; 100_000]).expect("room");
        far.read_exact(&mut vec![0; 100_000]).expect("it comes");
        let told = info(&near).expect("Linux tells");
        assert!(told.sent_bytes >= 100_000 && told.rtt.is_some(), "{told:?}");
        assert!(info(&far).expect("Linux tells").sent_bytes < 100, "it sent nothing");
    }
}
