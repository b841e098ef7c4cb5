//! One measurement from its start to its figures: the probe measures, the model's folds make the figures, and the
//! caller sees each sample as it comes.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use cnc_model::dns::DnsSummary;
use cnc_model::message::EchoToken;
use cnc_model::mtu::MtuSummary;
use cnc_model::ping::PingFold;
use cnc_model::summary::Measured;
use cnc_model::system::SystemInfo;
use cnc_model::test::{PingTest, ThroughputTest, TraceTest};
use cnc_model::throughput::{Direction, StoppedBy, ThroughputEnd, ThroughputFold};
use cnc_model::trace::{HopOutcome, TraceFold};
use cnc_model::{Failure, HostName, Outcome, Reason, Sample, Summary, dns, mtu, ping, throughput, trace};
use cnc_probe::throughput::{SpeedTarget, Transfer};
use cnc_probe::{Engine, HttpTarget, PathMtu, ProbeError, Sink};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::aim::Target;
use crate::proxy;

/// How long a probe may take to stop once it is told to; then it is dropped. The user waits a second at the most.
const STOP_WAIT: Duration = Duration::from_millis(800);

/// What to measure, with everything found that is needed for it.
#[derive(Debug, Clone)]
pub enum Job {
    /// Describe the machine, with its name or without.
    System {
        /// Whether its name is part of it.
        names: bool,
    },
    /// Ping an address; UDP probes with the token of a session where the listener is asked.
    Ping(PingTest, Target, Option<EchoToken>),
    /// Trace the path to an address.
    Trace(TraceTest, Target),
    /// Load the way from or to a peer.
    Load(Direction, ThroughputTest, SpeedTarget),
    /// Find the largest packet that the path to an address carries.
    Mtu(Target),
    /// Ask DNS servers for a name, and the system's own resolver where wanted.
    Dns {
        /// The name.
        name: HostName,
        /// Who is asked.
        servers: Vec<IpAddr>,
        /// Whether the system's own resolver is asked too.
        system: bool,
    },
    /// Make one HTTP request.
    Http(HttpTarget),
}

/// What a measurement shows while it runs.
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
    /// It observed something.
    Sample(&'a Sample),
    /// The name of an address on a path was found.
    Name(IpAddr, &'a str),
    /// So many others measure, and it waits for its turn.
    Waiting(u32),
    /// Nothing more has been observed for now: a moment to draw.
    Pause,
}

/// What came of a measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// How it ended.
    pub outcome: Outcome,
    /// Its figures, as far as it came; `None` when nothing was observed.
    pub summary: Option<Summary>,
}

impl Measurement {
    /// A measurement that did not begin.
    #[must_use]
    pub const fn failed(failure: Failure) -> Self {
        Self { outcome: Outcome::Failed(failure), summary: None }
    }
}

/// Measures. Once cancelled it ends within a second, with the figures so far. When `see` fails, it stops and fails.
pub async fn measure(
    job: Job,
    cancel: &CancellationToken,
    mut see: impl FnMut(Seen<'_>) -> Result<(), Failure>,
) -> Measurement {
    let stop = cancel.child_token();
    let (sink, mut samples) = cnc_probe::sink();
    let mut probing = JoinSet::new();
    let (waits, mut waiting) = watch::channel(0);
    probing.spawn(probe(told(job.clone(), waits), sink.clone(), stop.clone()));
    let mut gathered = Gathered::of(&job);
    let mut refused = None;
    let too_late = async {
        stop.cancelled().await;
        sleep(STOP_WAIT).await;
    };
    tokio::pin!(too_late);
    let ended = loop {
        // Liveness: the probe ends by its own limits; cancelled by the caller, it is dropped after `STOP_WAIT`.
        tokio::select! {
            Some(sample) = samples.recv() => {
                gathered.observe(&sample);
                if refused.is_none() && let Err(failure) = see(Seen::Sample(&sample)) {
                    refused = Some(failure);
                    stop.cancel();
                }
                if samples.is_empty() {
                    // Drawing stops nothing.
                    see(Seen::Pause).ok();
                }
            }
            Ok(()) = waiting.changed() => {
                // Saying so stops nothing.
                see(Seen::Waiting(*waiting.borrow_and_update())).ok();
            }
            Some(names) = gathered.naming.join_next() => gathered.name(names, &mut see),
            Some(ended) = probing.join_next() => break Some(ended),
            () = &mut too_late => break None,
        }
    };
    take_rest(&mut samples, &mut gathered, refused.is_some(), &mut see);
    gathered.finish_naming(&stop, &mut see).await;
    conclude(gathered, ended, refused, sink.shed(), cancel.is_cancelled())
}

/// Lets a load tell that it waits for its turn.
fn told(mut job: Job, waits: watch::Sender<u32>) -> Job {
    if let Job::Load(_, _, target) = &mut job {
        target.waiting = Some(Arc::new(move |others| {
            waits.send_replace(others);
        }));
    }
    job
}

/// What the probe gives back when it ends by itself.
enum End {
    Engine(Engine),
    Transfer(Box<Transfer>),
    /// Of what has no samples: all there is.
    Whole(Box<Summary>),
}

async fn probe(job: Job, sink: Sink, stop: CancellationToken) -> Result<End, ProbeError> {
    match job {
        Job::System { names } => {
            let proxy = proxy::configured().await;
            Ok(whole(Summary::System(SystemInfo { proxy, ..cnc_probe::system(names).await })))
        }
        Job::Ping(test, target, token) => {
            cnc_probe::ping_with(target.address, token.as_ref(), &test, &sink, &stop).await.map(End::Engine)
        }
        Job::Trace(test, target) => cnc_probe::trace(target.address, &test, &sink, &stop).await.map(End::Engine),
        Job::Load(direction, test, target) => cnc_probe::throughput(direction, &target, &test, &sink, &stop)
            .await
            .map(|transfer| End::Transfer(Box::new(transfer))),
        Job::Mtu(target) => {
            let (engine, found) = cnc_probe::path_mtu(target.address, &stop).await?;
            Ok(whole(Summary::Mtu(mtu_summary(target, engine, &found))))
        }
        Job::Dns { name, servers, system } => {
            let resolvers = cnc_probe::dns(&name, &servers, system).await?;
            let (method, engine) = (dns::METHOD.into(), Engine::Dns.name().into());
            let measured = Measured { host: name.to_string(), method, engine, ..Measured::default() };
            Ok(whole(Summary::Dns(DnsSummary { measured, resolvers })))
        }
        Job::Http(target) => cnc_probe::http(&target).await.map(|summary| whole(Summary::Http(summary))),
    }
}

fn whole(summary: Summary) -> End {
    End::Whole(Box::new(summary))
}

fn mtu_summary(target: Target, engine: Engine, found: &PathMtu) -> MtuSummary {
    let PathMtu { path_bytes, interface_bytes, black_hole, limited_by, probes } = *found;
    let Target { host, address } = target;
    let (method, engine) = (mtu::METHOD.into(), engine.name().into());
    MtuSummary {
        measured: Measured { host, address: Some(address), method, engine, shed: 0 },
        path_mtu_bytes: path_bytes,
        interface_mtu_bytes: interface_bytes,
        black_hole,
        limited_by,
        probes,
    }
}

/// Takes what was observed before the probe ended and has not been seen.
fn take_rest(
    samples: &mut mpsc::Receiver<Sample>,
    gathered: &mut Gathered,
    refused: bool,
    see: &mut impl FnMut(Seen<'_>) -> Result<(), Failure>,
) {
    while let Ok(sample) = samples.try_recv() {
        gathered.observe(&sample);
        if !refused {
            // The measurement is over: a failure to see its last samples has nothing left to stop.
            see(Seen::Sample(&sample)).ok();
        }
    }
}

fn conclude(
    mut gathered: Gathered,
    ended: Option<Result<Result<End, ProbeError>, JoinError>>,
    refused: Option<Failure>,
    shed: u64,
    cancelled: bool,
) -> Measurement {
    gathered.measured.shed = shed;
    let (outcome, end) = match ended {
        Some(Ok(end)) if cancelled => (Outcome::Cancelled, end.ok()),
        Some(Ok(Ok(end))) => (Outcome::Completed, Some(end)),
        Some(Ok(Err(error))) => (Outcome::Failed(error.failure()), None),
        Some(Err(error)) => (Outcome::Failed(internal(&error)), None),
        None => (Outcome::Cancelled, None),
    };
    let outcome = refused.map_or(outcome, Outcome::Failed);
    Measurement { outcome, summary: gathered.summary(end) }
}

/// Puts a panic into words.
pub(super) fn internal(error: &JoinError) -> Failure {
    Failure::new(Reason::Internal, format!("a fault in this program: {error}"))
        .with_hint("please tell the people who make it")
}

/// The samples so far, folded.
struct Gathered {
    fold: Fold,
    measured: Measured,
    count: u64,
    names: bool,
    asked: HashSet<IpAddr>,
    naming: JoinSet<Option<(IpAddr, String)>>,
}

enum Fold {
    /// Of what has no samples.
    None,
    Ping(PingFold),
    Trace(TraceFold),
    Load(Direction, ThroughputFold),
}

impl Gathered {
    fn of(job: &Job) -> Self {
        let (fold, method, names) = match job {
            Job::System { .. } | Job::Mtu(_) | Job::Dns { .. } | Job::Http(_) => (Fold::None, "", false),
            Job::Ping(..) => (Fold::Ping(PingFold::default()), ping::METHOD, false),
            Job::Trace(test, _) => (Fold::Trace(TraceFold::default()), trace::METHOD, test.names),
            Job::Load(direction, ..) => (Fold::Load(*direction, ThroughputFold::default()), throughput::METHOD, false),
        };
        let (host, address) = match job {
            Job::System { .. } | Job::Mtu(_) | Job::Dns { .. } | Job::Http(_) => (String::new(), None),
            Job::Ping(_, target, _) | Job::Trace(_, target) => (target.host.clone(), Some(target.address)),
            Job::Load(_, _, target) => (target.url.clone(), None),
        };
        let measured = Measured { host, address, method: method.into(), ..Measured::default() };
        Self { fold, measured, count: 0, names, asked: HashSet::new(), naming: JoinSet::new() }
    }

    fn observe(&mut self, sample: &Sample) {
        self.count += 1;
        match (&mut self.fold, sample) {
            (Fold::Ping(fold), Sample::Ping(sample)) => fold.observe(sample),
            (Fold::Load(_, fold), Sample::Throughput(sample)) => fold.observe(sample),
            (Fold::Trace(fold), Sample::Hop(sample)) => {
                fold.observe(sample);
                self.ask_name(&sample.outcome);
            }
            // A probe tells only samples of its own kind.
            (Fold::None | Fold::Ping(_) | Fold::Trace(_) | Fold::Load(..), _) => {}
        }
    }

    /// Looks an address's name up beside the measuring, once.
    fn ask_name(&mut self, outcome: &HopOutcome) {
        let address = match outcome {
            HopOutcome::Hop(reply) | HopOutcome::Destination(reply) | HopOutcome::Unreachable(reply) => reply.address,
            HopOutcome::Silent => return,
        };
        if self.names && self.asked.insert(address) {
            self.naming.spawn(async move { cnc_probe::reverse_names(&[address]).await.pop_first() });
        }
    }

    fn name(
        &mut self,
        found: Result<Option<(IpAddr, String)>, JoinError>,
        see: &mut impl FnMut(Seen<'_>) -> Result<(), Failure>,
    ) {
        if let (Fold::Trace(fold), Ok(Some((address, name)))) = (&mut self.fold, found) {
            // A name is an extra: a caller that cannot take it loses nothing measured.
            see(Seen::Name(address, &name)).ok();
            fold.name(address, name);
        }
    }

    /// Waits for names that are still being looked up, which take two seconds at the most.
    async fn finish_naming(&mut self, stop: &CancellationToken, see: &mut impl FnMut(Seen<'_>) -> Result<(), Failure>) {
        // Liveness: each look-up has a time limit of its own; cancelled by the caller.
        while let Some(Some(found)) = stop.run_until_cancelled(self.naming.join_next()).await {
            self.name(found, see);
        }
    }

    fn summary(mut self, end: Option<End>) -> Option<Summary> {
        let (engine, transfer) = match end {
            Some(End::Engine(engine)) => (Some(engine), None),
            Some(End::Transfer(transfer)) => (Some(transfer.engine), Some(transfer)),
            Some(End::Whole(summary)) => return Some(*summary),
            None => (None, None),
        };
        if self.count == 0 && engine.is_none() {
            return None;
        }
        self.measured.engine = engine.map(|engine| engine.name().to_owned()).unwrap_or_default();
        match self.fold {
            Fold::None => None,
            Fold::Ping(fold) => Some(Summary::Ping(fold.summary(self.measured))),
            Fold::Trace(fold) => Some(Summary::Trace(fold.summary(self.measured))),
            Fold::Load(direction, fold) => {
                let measured = Measured { address: transfer.as_ref().and_then(|t| t.address), ..self.measured };
                Some(Summary::Throughput(fold.summary(ThroughputEnd {
                    measured,
                    direction,
                    stopped_by: transfer.as_ref().map_or(StoppedBy::Broken, |t| t.stopped_by),
                    sender_bytes: transfer.as_ref().and_then(|t| t.sender_bytes),
                    idle_rtt: transfer.as_ref().and_then(|t| t.idle_rtt),
                    responsiveness: transfer.as_ref().and_then(|t| t.responsiveness),
                    listener: transfer.as_ref().and_then(|t| t.listener),
                })))
            }
        }
    }
}
