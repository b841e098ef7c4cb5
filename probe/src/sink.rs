//! The queue between a measuring loop and whoever takes its samples. Measuring never waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cnc_model::Sample;
use tokio::sync::mpsc;

/// The most samples that wait to be taken: a second of the fastest ping. When it is full, further samples are shed
/// and counted, because waiting would bend the measurement.
pub const SINK_SAMPLES: usize = 1_024;

/// Where a measuring loop puts its samples.
#[derive(Debug, Clone)]
pub struct Sink {
    samples: mpsc::Sender<Sample>,
    shed: Arc<AtomicU64>,
}

/// Makes a queue of [`SINK_SAMPLES`] samples.
#[must_use]
pub fn sink() -> (Sink, mpsc::Receiver<Sample>) {
    let (samples, taken) = mpsc::channel(SINK_SAMPLES);
    (Sink { samples, shed: Arc::default() }, taken)
}

impl Sink {
    /// Puts a sample in without waiting; sheds and counts it when nobody took enough of those before.
    pub fn send(&self, sample: Sample) {
        if self.samples.try_send(sample).is_err() {
            self.shed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Gives how many samples were shed so far.
    #[must_use]
    pub fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cnc_model::ping::{PingOutcome, PingSample};

    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let (sink, mut taken) = sink();
        for seq in 0..1_030 {
            sink.send(Sample::Ping(PingSample { seq, at: Duration::ZERO, outcome: PingOutcome::Lost }));
        }
        assert_eq!(sink.shed(), 6);
        let mut count = 0;
        while taken.try_recv().is_ok() {
            count += 1;
        }
        assert_eq!(count, SINK_SAMPLES);
    }
}
