//! A test as the report shows it. Where the client sent no figures they are computed from the samples that arrived,
//! by the model's own folds.

use cnc_model::ping::PingFold;
use cnc_model::session::TestRecord;
use cnc_model::summary::{Measured, Summary};
use cnc_model::throughput::{Direction, StoppedBy, ThroughputEnd, ThroughputFold};
use cnc_model::trace::TraceFold;
use cnc_model::{Outcome, Sample, Test, ping, throughput, trace};

use super::sentence::aim;

/// A test with all that its section shows.
#[derive(Debug, Clone)]
pub(crate) struct Shown<'a> {
    /// The test.
    pub(crate) test: &'a TestRecord,
    /// Its samples.
    pub(crate) samples: &'a [Sample],
    /// What was computed here, where the client sent no figures.
    pub(crate) computed: Option<Summary>,
}

impl<'a> Shown<'a> {
    /// Puts a test and its samples together.
    pub(crate) fn new(test: &'a TestRecord, samples: &'a [Sample]) -> Self {
        let computed = if test.summary.is_none() { summary(test, samples) } else { None };
        Self { test, samples, computed }
    }

    /// Gives the figures: the client's own, else those computed here.
    pub(crate) fn summary(&self) -> Option<&Summary> {
        self.test.summary.as_ref().or(self.computed.as_ref())
    }
}

/// Computes what the samples alone can tell; `None` when there are none.
fn summary(test: &TestRecord, samples: &[Sample]) -> Option<Summary> {
    if samples.is_empty() {
        return None;
    }
    let measured = |method: &str| Measured { host: aim(&test.what), method: method.into(), ..Measured::default() };
    Some(match &test.what {
        // What these find out comes whole or not at all.
        Test::System | Test::Mtu(_) | Test::Dns(_) | Test::Http(_) => return None,
        Test::Ping(_) => {
            let mut fold = PingFold::default();
            for sample in samples {
                if let Sample::Ping(sample) = sample {
                    fold.observe(sample);
                }
            }
            Summary::Ping(fold.summary(measured(ping::METHOD)))
        }
        Test::Trace(_) => {
            let mut fold = TraceFold::default();
            for sample in samples {
                if let Sample::Hop(sample) = sample {
                    fold.observe(sample);
                }
            }
            Summary::Trace(fold.summary(measured(trace::METHOD)))
        }
        Test::Download(_) => load(test, samples, Direction::Download, measured(throughput::METHOD)),
        Test::Upload(_) => load(test, samples, Direction::Upload, measured(throughput::METHOD)),
    })
}

fn load(test: &TestRecord, samples: &[Sample], direction: Direction, measured: Measured) -> Summary {
    let mut fold = ThroughputFold::default();
    for sample in samples {
        if let Sample::Throughput(sample) = sample {
            fold.observe(sample);
        }
    }
    let stopped_by = match test.outcome {
        Some(Outcome::Cancelled) => StoppedBy::Cancelled,
        Some(Outcome::Completed | Outcome::Failed(_)) | None => StoppedBy::Broken,
    };
    Summary::Throughput(fold.summary(ThroughputEnd {
        measured,
        direction,
        stopped_by,
        sender_bytes: None,
        idle_rtt: None,
        responsiveness: None,
        listener: None,
    }))
}
