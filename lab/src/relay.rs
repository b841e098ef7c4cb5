//! The delaying relay: two ports of a wire, a thread per direction, frames held until their time has come.
//! Owns threads and sockets; what happens to a frame is decided in `line`.

mod line;
pub(crate) mod port;
mod urgent;

use std::{
    io,
    os::fd::OwnedFd,
    sync::{Arc, atomic::Ordering},
    thread::{self, JoinHandle},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    pipe::{PipeFlags, pipe_with},
    time::{ClockId, clock_gettime},
};

pub(crate) use line::Counters;
use line::Line;
use port::{FRAME_BYTES, Port};
use urgent::be_urgent;

use crate::{namespace::Namespace, plan::PORTS, scenario::Direction};

/// Frames taken in before those that have become due are given out again.
const BATCH: usize = 64;
const SECOND: u64 = 1_000_000_000;

/// A running relay. Dropping it stops and joins its threads; frames on their way are lost.
pub(crate) struct Relay {
    counters: [Arc<Counters>; 2],
    /// Shared with the threads for their kernel counters.
    inward: Vec<Arc<Port>>,
    /// Closed to stop the threads.
    stop: Option<OwnedFd>,
    threads: Vec<JoinHandle<()>>,
}

impl Relay {
    /// Starts a relay between the ports of the wire in `space`, for the directions first to second and back.
    pub(crate) fn start(space: &Namespace, directions: &[Direction; 2]) -> io::Result<Self> {
        let (stopped, stop) = pipe_with(PipeFlags::CLOEXEC)?;
        let mut relay =
            Self { counters: Default::default(), inward: Vec::new(), stop: Some(stop), threads: Vec::new() };
        let open = |direction: &Direction, from: usize| {
            let out = Port::open(PORTS[1 - from], direction.shaping.is_some())?;
            Ok::<_, io::Error>((Port::open(PORTS[from], false)?, out))
        };
        // Sockets stay in the namespace they were opened in; the threads need not.
        let ports = space.run(|| Ok::<_, io::Error>([open(&directions[0], 0)?, open(&directions[1], 1)?]))??;
        for (from, (inward, outward)) in ports.into_iter().enumerate() {
            let counters = Arc::clone(&relay.counters[from]);
            let inward = Arc::new(inward);
            relay.inward.push(Arc::clone(&inward));
            let way = Way {
                line: Line::new(&directions[from], Arc::clone(&counters)),
                counters,
                inward,
                outward,
                stopped: stopped.try_clone()?,
            };
            let thread = thread::Builder::new().name(format!("relay-{}", PORTS[from]));
            relay.threads.push(thread.spawn(move || way.run())?);
        }
        Ok(relay)
    }

    /// Gives what a direction did so far.
    pub(crate) fn counters(&self, way: usize) -> io::Result<&Counters> {
        let counters = &self.counters[way];
        counters.missed.fetch_add(self.inward[way].missed()?.into(), Ordering::Relaxed);
        Ok(counters)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.stop.take());
        for thread in self.threads.drain(..) {
            // A panic there was printed by its own thread; here it must not hinder the others' end.
            drop(thread.join());
        }
    }
}

/// One direction at work.
struct Way {
    line: Line,
    counters: Arc<Counters>,
    inward: Arc<Port>,
    outward: Port,
    stopped: OwnedFd,
}

impl Way {
    fn run(mut self) {
        be_urgent();
        let mut buffer: Box<[u8; FRAME_BYTES]> =
            vec![0; FRAME_BYTES].try_into().expect("the vector has the array's length");
        // Liveness: ended by Relay's drop, which closes the stop pipe.
        while !self.wait() {
            self.take_in(&mut buffer);
            self.give_out();
        }
    }

    /// Waits for a frame, the next release or the end; tells whether it is the end.
    fn wait(&self) -> bool {
        let timeout = self.line.next_release().map(|release| {
            let left = release.saturating_sub(now());
            let whole = |part: u64| i64::try_from(part).expect("a delay in seconds fits");
            Timespec { tv_sec: whole(left / SECOND), tv_nsec: whole(left % SECOND) }
        });
        let mut ports = [PollFd::new(&self.stopped, PollFlags::IN), PollFd::new(self.inward.as_ref(), PollFlags::IN)];
        match poll(&mut ports, timeout.as_ref()) {
            Ok(_) => !ports[0].revents().is_empty(),
            Err(error) => error != rustix::io::Errno::INTR,
        }
    }

    fn take_in(&mut self, buffer: &mut [u8; FRAME_BYTES]) {
        for _ in 0..BATCH {
            // An error is the device going down, at the lab's end.
            let Ok(Some(received)) = self.inward.receive(buffer) else { return };
            let now = now();
            // The kernel's stamp takes the time until this thread woke out of the delay. It lies in the past
            // unless the wall clock was set meanwhile.
            let arrived = received.stamp.filter(|stamp| (now.saturating_sub(SECOND)..=now).contains(stamp));
            self.line.take(&buffer[..received.length], arrived.unwrap_or(now));
        }
    }

    fn give_out(&mut self) {
        while let Some(frame) = self.line.give(now()) {
            if self.outward.send(&frame).is_err() {
                Counters::count(&self.counters.refused);
            }
        }
    }
}

/// The clock of the kernel's receive stamps, in nanoseconds.
fn now() -> u64 {
    let time = clock_gettime(ClockId::Realtime);
    let positive = |part: i64| u64::try_from(part).expect("it is past 1970");
    positive(time.tv_sec) * SECOND + positive(time.tv_nsec)
}
