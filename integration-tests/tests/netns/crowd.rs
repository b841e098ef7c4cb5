//! One address that opens more connections than it may: only from another machine, for this one's own are not bounded.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_lab::Host;
use cnc_server::limits::CONNECTIONS_PER_ADDRESS;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::Instant;

use crate::{lab, metrics, on};

/// How long the listener may take to close what it does not want.
const PATIENCE: Duration = Duration::from_secs(20);

/// What else a test and its runner have open.
const BESIDE: usize = 128;

fn connect(from: &Host, to: SocketAddr, count: usize) -> Vec<TcpStream> {
    let connect = || (0..count).map(|_| TcpStream::connect(to).expect("the listener accepts")).collect();
    from.run(connect).expect("the namespace can be entered")
}

/// Counts the connections that the listener has closed.
fn closed(connections: &mut [TcpStream]) -> usize {
    let is_closed = |stream: &mut TcpStream| {
        stream.set_nonblocking(true).expect("an open socket");
        match stream.read(&mut [0]) {
            Ok(0) => true,
            Ok(_) => panic!("nothing was asked"),
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
        }
    };
    connections.iter_mut().filter_map(|stream| is_closed(stream).then_some(())).count()
}

/// Tells whether a new connection is answered.
fn is_served(from: &Host, to: SocketAddr) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(to)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).map(|()| answer == *b"HTTP/1.1 200")
    };
    from.run(ask).expect("the namespace can be entered").unwrap_or(false)
}

/// Asks for one figure from this machine itself, which is not the one that is bounded.
fn reached(listener: &Listener, host: &Host) -> String {
    let start = "cnc_limits_reached_total{limit=\"connections_per_address\"} ";
    let text = metrics(listener, host);
    text.lines().find_map(|line| line.strip_prefix(start)).unwrap_or("no answer").to_owned()
}

#[tokio::test]
async fn one_address_holds_so_many_connections_and_others_come_in() {
    const TOO_MANY: usize = 5;
    let Some(lab) = lab("plain") else { return };
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("one's own limit");
    let enough = maximum.is_none_or(|most| most > (CONNECTIONS_PER_ADDRESS + BESIDE) as u64);
    assert!(enough, "this user may not open files enough: {maximum:?}");
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap());
    let listen = format!("{}:7443", server.v4());
    let listener = Listener::start_by(on(&server, "cnc-listener"), &listen, QUICK, &["--behind-tls-proxy"]).await;

    let mut held = connect(&client, listener.address(), CONNECTIONS_PER_ADDRESS);
    held.extend(connect(&client, listener.address(), TOO_MANY));
    let began = Instant::now();
    while closed(&mut held) < TOO_MANY {
        assert!(began.elapsed() < PATIENCE, "{} are closed", closed(&mut held));
        std::thread::yield_now();
    }
    assert_eq!(closed(&mut held), TOO_MANY, "and no more");
    assert_eq!(reached(&listener, &server), TOO_MANY.to_string(), "another address is served meanwhile");
    held.truncate(CONNECTIONS_PER_ADDRESS / 2);
    let began = Instant::now();
    while !is_served(&client, listener.address()) {
        assert!(began.elapsed() < PATIENCE, "places do not come back");
    }
}
