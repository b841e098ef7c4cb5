//! A TCP connection to one of a name's addresses, as browsers make it (RFC 8305): the next address gets its chance
//! soon, beside the one before. Afterwards each IP version can be looked at by itself.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

/// The head start of one address before the next is tried beside it, as browsers have it.
const HEAD_START: Duration = Duration::from_millis(250);

/// The connection that was there first.
#[derive(Debug)]
pub struct Connected {
    /// The connection.
    pub stream: TcpStream,
    /// Whom it leads to.
    pub address: SocketAddr,
    /// What its own handshake took.
    pub took: Duration,
}

/// Connects to the address that accepts first; each gets so long.
///
/// # Errors
/// Gives what became of the first address, which is the one that the system prefers; `None` where there is none.
pub async fn race(addresses: Vec<SocketAddr>, each: Duration) -> Result<Connected, Option<(SocketAddr, io::Error)>> {
    Race::new(addresses, each).run().await
}

/// The addresses of a name, and what has become of each.
pub(crate) struct Race {
    each: Duration,
    tries: Vec<Try>,
    /// How many of them have begun, in their order.
    begun: usize,
    trying: JoinSet<(usize, io::Result<TcpStream>, Duration)>,
}

/// One address.
pub(crate) struct Try {
    pub(crate) address: SocketAddr,
    pub(crate) began: Option<Instant>,
    /// What its handshake took, or why there was none.
    pub(crate) ended: Option<io::Result<Duration>>,
}

impl Race {
    /// Lines addresses up, the one that the system prefers first.
    pub(crate) fn new(addresses: Vec<SocketAddr>, each: Duration) -> Self {
        let tries = addresses.into_iter().map(|address| Try { address, began: None, ended: None }).collect();
        Self { each, tries, begun: 0, trying: JoinSet::new() }
    }

    /// Connects to the address that accepts first. The others' attempts go on as long as the race is kept.
    pub(crate) async fn run(&mut self) -> Result<Connected, Option<(SocketAddr, io::Error)>> {
        loop {
            if self.begun < self.tries.len() {
                self.begin(self.begun);
                self.begun += 1;
            }
            let ended = if self.begun < self.tries.len() {
                match timeout(HEAD_START, self.trying.join_next()).await {
                    Ok(ended) => ended,
                    Err(_) => continue,
                }
            } else {
                // Liveness: each attempt has its limit.
                self.trying.join_next().await
            };
            match ended {
                None => break,
                Some(Ok((nth, stream, took))) => {
                    if let Some(stream) = self.note(nth, stream, took) {
                        return Ok(Connected { stream, address: self.tries[nth].address, took });
                    }
                }
                Some(Err(_)) => {}
            }
        }
        // The first address is the one that the system prefers, so its error tells most.
        Err(self.tries.first().and_then(|first| {
            let error = first.ended.as_ref()?.as_ref().err()?;
            Some((first.address, again(error)))
        }))
    }

    /// Tries each IP version that was not needed, and waits until all is known of both, or for so long.
    pub(crate) async fn settle(&mut self, wait: Duration) {
        for is_v4 in [true, false] {
            let of_version = |tried: &Try| tried.address.is_ipv4() == is_v4;
            let is_untouched = !self.tries.iter().any(|tried| of_version(tried) && tried.began.is_some());
            if let (true, Some(nth)) = (is_untouched, self.tries.iter().position(of_version)) {
                self.begin(nth);
            }
        }
        let end = Instant::now() + wait;
        while !(self.is_settled(true) && self.is_settled(false)) {
            // Liveness: bounded by `end`.
            match timeout_at(end, self.trying.join_next()).await {
                Ok(Some(Ok((nth, stream, took)))) => drop(self.note(nth, stream, took)),
                Ok(Some(Err(_))) => {}
                Ok(None) | Err(_) => break,
            }
        }
    }

    /// Gives the addresses of one IP version.
    pub(crate) fn of(&self, is_v4: bool) -> impl Iterator<Item = &Try> {
        self.tries.iter().filter(move |tried| tried.address.is_ipv4() == is_v4)
    }

    fn begin(&mut self, nth: usize) {
        let (tried, each, began) = (&mut self.tries[nth], self.each, Instant::now());
        let address = tried.address;
        tried.began = Some(began);
        self.trying.spawn(async move {
            let late = || io::Error::new(io::ErrorKind::TimedOut, "nobody answered in time");
            let stream = timeout(each, TcpStream::connect(address)).await.unwrap_or_else(|_| Err(late()));
            (nth, stream, began.elapsed())
        });
    }

    /// Notes how an attempt ended; gives the connection where there is one.
    fn note(&mut self, nth: usize, stream: io::Result<TcpStream>, took: Duration) -> Option<TcpStream> {
        let (ended, stream) = match stream {
            Ok(stream) => (Ok(took), Some(stream)),
            Err(error) => (Err(error), None),
        };
        self.tries[nth].ended = Some(ended);
        stream
    }

    /// Tells whether nothing that is under way can change what is said of an IP version.
    fn is_settled(&self, is_v4: bool) -> bool {
        let works = self.of(is_v4).any(|tried| matches!(tried.ended, Some(Ok(_))));
        works || self.of(is_v4).all(|tried| tried.began.is_none() || tried.ended.is_some())
    }
}

/// Gives an error a second time: it stays noted.
fn again(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| io::Error::new(error.kind(), error.to_string()), io::Error::from_raw_os_error)
}
