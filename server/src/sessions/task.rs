//! One session's task: brings what happens to the pure session, and carries its effects out.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cnc_model::message::{ClientMessage, ListenerMessage, When};
use cnc_model::session::{SessionOverview, SessionState};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::command::{Attached, Attaching, Command, Order};
use super::stream::{Closing, Inbound, InboundError, Outbound};
use super::watch::{Watched, Watcher, seat};
use crate::secret;
use crate::session::{Effect, Greeting, Now, Session};
use crate::store::{Commit, StoreError};

/// How long a session waits before it asks a failing store again.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// Changes that gather while a commit is made durable. When there are so many, nothing more is read from the client
/// until the disk has caught up: HTTP/2 flow control carries the wait to the client's backlog.
const GATHERED: usize = 4_096;

/// Everything that can happen to a session.
enum Event {
    Inbound(Option<Result<ClientMessage, InboundError>>),
    Command(Command),
    Committed(u64, Result<(), StoreError>),
    WatcherLeft,
    Timeout,
    Stop,
}

/// A session with all that it holds.
pub(super) struct Task {
    session: Session,
    shared: Arc<Shared>,
    commands: mpsc::Receiver<Command>,
    overview: Arc<Mutex<SessionOverview>>,
    speed_token: String,
    stream: Option<(Inbound, Outbound)>,
    watchers: Vec<Watcher>,
    leaving: FuturesUnordered<oneshot::Receiver<()>>,
    /// What the store is making durable. One commit at a time: should it fail, nothing behind it gets through.
    outstanding: Option<(u64, Answer)>,
    /// What has gathered meanwhile.
    gathered: Option<(u64, Commit)>,
    /// Whether the report is being made, after which the client is let go.
    report_awaited: bool,
    timer: Pin<Box<Sleep>>,
    stop: CancellationToken,
    stopping: bool,
    dropped: Option<oneshot::Sender<()>>,
}

type Answer = oneshot::Receiver<Result<(), StoreError>>;

impl Task {
    pub(super) fn new(
        session: Session,
        shared: Arc<Shared>,
        commands: mpsc::Receiver<Command>,
        overview: Arc<Mutex<SessionOverview>>,
        speed_token: String,
    ) -> Self {
        Self {
            timer: Box::pin(tokio::time::sleep_until(Instant::now())),
            stop: shared.stop.child_token(),
            session,
            shared,
            commands,
            overview,
            speed_token,
            stream: None,
            watchers: Vec::new(),
            leaving: FuturesUnordered::new(),
            outstanding: None,
            gathered: None,
            report_awaited: false,
            stopping: false,
            dropped: None,
        }
    }

    /// Runs until the session is over and let go by everyone, deleted, or the listener stops.
    pub(super) async fn run(&mut self) {
        let id = self.session.overview().id;
        tracing::info!(session = %id, "session opened");
        self.carry_out().await;
        while !self.is_over() {
            let event = self.next_event().await;
            self.handle(event).await;
            self.carry_out().await;
        }
        self.leave().await;
        tracing::info!(session = %id, state = self.session.overview().state.word(), "session let go");
    }

    fn is_over(&self) -> bool {
        let settled = self.outstanding.is_none() && self.gathered.is_none();
        let ended = matches!(self.session.overview().state, SessionState::Ended(_));
        let let_go = ended && self.stream.is_none() && !self.report_awaited && self.commands.is_empty();
        settled && (self.stopping || self.dropped.is_some() || let_go)
    }

    async fn next_event(&mut self) -> Event {
        self.arm_timer();
        let room = self.gathered.as_ref().is_none_or(|(_, commit)| commit.changes.len() < GATHERED);
        tokio::select! {
            // In this order, so that a commit's answer comes before what others make of it, and a client that never
            // pauses holds up nothing but itself.
            biased;
            // Liveness: the store answers every commit, the client or its keepalive ends the stream, `stop` ends all.
            () = self.stop.cancelled(), if !self.stopping => Event::Stop,
            (number, result) = answer(&mut self.outstanding) => Event::Committed(number, result),
            Some(command) = self.commands.recv() => Event::Command(command),
            Some(_) = self.leaving.next(), if !self.leaving.is_empty() => Event::WatcherLeft,
            () = &mut self.timer, if self.session.poll_timeout().is_some() => Event::Timeout,
            message = next_message(&mut self.stream), if room => Event::Inbound(message),
        }
    }

    /// Sets the timer where it would ring too late; one that rings too early is set again then.
    fn arm_timer(&mut self) {
        let Some(at) = self.session.poll_timeout() else { return };
        let deadline = self.shared.clock.instant(at);
        if self.timer.is_elapsed() || deadline < self.timer.deadline() {
            self.timer.as_mut().reset(deadline);
        }
    }

    async fn handle(&mut self, event: Event) {
        let now = self.shared.clock.now();
        match event {
            Event::Inbound(Some(Ok(ClientMessage::Batch(mut batch)))) => {
                if let (None, Some(address)) =
                    (&self.session.overview().network, self.session.overview().public_address)
                {
                    // It may have had to be asked for.
                    self.session.come_from(self.shared.settings.networks.of(address));
                }
                let own = self.session.overview().network.as_ref().map(|network| network.number);
                self.shared.settings.networks.annotate(&mut batch.items, own);
                let before = self.session.overview().state;
                if let Err(violation) = self.session.observe(batch, now) {
                    self.close_stream(Some(Closing::Violation(violation)));
                }
                if self.session.overview().state != before {
                    self.refresh();
                }
            }
            Event::Inbound(Some(Ok(ClientMessage::Hello(_)))) => {
                self.close_stream(Some(Closing::Invalid("hello came twice on one stream".into())));
            }
            Event::Inbound(Some(Err(InboundError::Invalid(why)))) => self.close_stream(Some(Closing::Invalid(why))),
            Event::Inbound(Some(Err(InboundError::TooMuch(over)))) => self.close_stream(Some(Closing::TooMuch(over))),
            Event::Inbound(Some(Err(InboundError::Broken(_))) | None) => self.close_stream(None),
            Event::Command(command) => self.obey(command),
            Event::Committed(number, Ok(())) => self.session.stored(number),
            Event::Committed(_, Err(error)) => self.start_over(&error).await,
            Event::WatcherLeft => self.seat_count_changed(),
            Event::Timeout => {
                self.session.handle_timeout(now);
                self.refresh();
            }
            Event::Stop => {
                self.stopping = true;
                self.close_stream(None);
            }
        }
    }

    fn obey(&mut self, command: Command) {
        let now = self.shared.clock.now();
        match command {
            Command::Attach { client, reply } => answer_to(reply, self.take_in(*client, now)),
            Command::Issue { order, reply } => {
                let Order { tests, by } = *order;
                let free = self.session.next_stage();
                let issue = |(when, test)| {
                    let when = match when {
                        When::Now => When::Now,
                        When::Stage(stage) => When::Stage(free.saturating_add(stage)),
                    };
                    self.session.issue(test, when, &by, now)
                };
                answer_to(reply, tests.into_iter().map(issue).collect());
            }
            Command::Cancel { test, reply } => answer_to(reply, self.session.cancel(test, now)),
            Command::End { reason, reply } => answer_to(reply, self.session.end(reason, now)),
            Command::Drop { reply } => {
                self.close_stream(None);
                self.gathered = None;
                // The store takes things in their order: what is on its way is there before it is deleted.
                self.outstanding = None;
                self.dropped = Some(reply);
            }
            Command::Reported(farewell) => {
                self.report_awaited = false;
                self.session.reported(*farewell);
            }
            Command::Record { reply } => answer_to(reply, Box::new(self.session.record())),
            Command::Activity { reply } => answer_to(reply, Box::new(self.session.activity())),
            Command::Watch { reply } => {
                let (watcher, left, seat) = seat(self.session.snapshot());
                self.watchers.push(watcher);
                self.leaving.push(left);
                self.seat_count_changed();
                answer_to(reply, seat);
            }
        }
        self.refresh();
    }

    fn take_in(&mut self, client: Attaching, now: Now) -> Attached {
        let Attaching { hello, key_hash, public_address, inbound, outbound } = client;
        if self.session.key_hash().is_some_and(|known| known != key_hash) {
            return Attached::NotYours;
        }
        self.close_stream(Some(Closing::Replaced));
        self.stream = Some((inbound, outbound));
        let operator = self.shared.settings.operator.clone();
        let speed_token = self.speed_token.clone();
        let echo_token = self.shared.settings.udp_echo.then(|| secret::hash(speed_token.as_bytes()));
        let certificate_issuer = self.shared.settings.tls.as_ref().and_then(|tls| tls.issuer());
        let greeting = Greeting { operator, speed_token, echo_token, certificate_issuer };
        self.session.come_from(self.shared.settings.networks.of(public_address));
        self.session.attach(hello, key_hash, public_address, greeting, now);
        self.enlist_key(key_hash);
        Attached::Yes
    }

    /// Makes the session findable by its client's key, and no longer by its code.
    fn enlist_key(&self, key_hash: [u8; 32]) {
        let id = self.session.overview().id;
        let mut live = self.shared.live();
        live.keys.insert(key_hash, id);
        live.codes.spend(id);
    }

    fn close_stream(&mut self, closing: Option<Closing>) {
        let Some((_, outbound)) = self.stream.take() else { return };
        if let Some(closing) = closing {
            tracing::debug!(session = %self.session.overview().id, %closing, "stream closed");
            // A client that does not read is let go without a word.
            outbound.try_send(Box::new(Err(closing))).unwrap_or_default();
        }
        self.session.detach(self.shared.clock.now());
        self.refresh();
    }

    fn seat_count_changed(&mut self) {
        self.session.watched_by(self.leaving.len(), self.shared.clock.now());
    }

    fn refresh(&self) {
        *self.overview.lock().unwrap_or_else(PoisonError::into_inner) = self.session.overview().clone();
    }

    async fn carry_out(&mut self) {
        while let Some(effect) = self.session.next_effect() {
            match effect {
                Effect::Send(message) => self.send(message),
                Effect::Store { number, commit } => self.gather(number, commit),
                Effect::Publish(event) => {
                    let event = Watched::Event(Arc::new(event));
                    self.watchers.retain(|watcher| watcher.tell(&event));
                }
                Effect::Detach => self.close_stream(None),
                Effect::Report => self.report_awaited = true,
            }
        }
        self.submit().await;
    }

    fn send(&mut self, message: ListenerMessage) {
        let Some((_, outbound)) = &self.stream else { return };
        if outbound.try_send(Box::new(Ok(message))).is_err() {
            self.close_stream(None);
        }
    }

    fn gather(&mut self, number: u64, commit: Commit) {
        // Of what is deleted nothing is stored any more.
        if self.dropped.is_some() {
            return;
        }
        match &mut self.gathered {
            None => self.gathered = Some((number, commit)),
            Some((last, gathered)) => {
                *last = number;
                gathered.changes.extend(commit.changes);
                gathered.through = commit.through.or(gathered.through);
            }
        }
    }

    /// Hands over what has gathered once the commit before is durable.
    async fn submit(&mut self) {
        if self.outstanding.is_some() || self.dropped.is_some() {
            return;
        }
        let Some((number, commit)) = self.gathered.take() else { return };
        let (session, through) = (commit.session, commit.through);
        // Liveness: the store's writer makes room; it ends only after all tasks have.
        match self.shared.store.submit(commit).await {
            Ok(answer) => {
                let answer = match through {
                    Some(through) if self.shared.settings.after_export => {
                        self.shared.after_export(session, through, answer)
                    }
                    Some(_) | None => answer,
                };
                self.outstanding = Some((number, answer));
            }
            Err(error) => self.start_over(&error).await,
        }
    }

    /// Forgets what is not durable and goes on from what is: the client sends the rest again.
    async fn start_over(&mut self, error: &StoreError) {
        let id = self.session.overview().id;
        tracing::warn!(session = %id, %error, "what came cannot be stored; the client will send it again");
        self.close_stream(Some(Closing::StoreFailed));
        self.watchers.clear();
        self.gathered = None;
        self.outstanding = None;
        self.report_awaited = false;
        while !self.stop.is_cancelled() {
            tokio::time::sleep(STORE_RETRY).await;
            match self.shared.store.session(id).await {
                Ok(Some(stored)) => {
                    self.session = self.shared.restore(stored);
                    self.seat_count_changed();
                    self.refresh();
                    return;
                }
                // Its creation never became durable: there is nothing to go on with.
                Ok(None) => break,
                Err(error) => tracing::debug!(session = %id, %error, "the store still fails"),
            }
        }
        self.stopping = true;
    }

    fn delist(&self) {
        let id = self.session.overview().id;
        let mut live = self.shared.live();
        live.handles.remove(&id);
        live.codes.spend(id);
        live.keys.retain(|_, joined| *joined != id);
        live.speed_tokens.retain(|_, open| *open != id);
    }

    /// Takes the session out of the registry and tells those who still look.
    async fn leave(&mut self) {
        self.delist();
        self.commands.close();
        // Liveness: no more can be sent, so this ends when those who were about to send have.
        while let Some(command) = self.commands.recv().await {
            if let Command::Attach { client, reply } = command {
                answer_to(reply, Attached::Gone(client));
            }
        }
        for watcher in &self.watchers {
            watcher.tell(&Watched::Over);
        }
        if let Some(reply) = self.dropped.take() {
            answer_to(reply, ());
        }
    }
}

/// Answers whoever asked, if they still wait.
fn answer_to<T>(reply: oneshot::Sender<T>, answer: T) {
    drop(reply.send(answer));
}

async fn answer(outstanding: &mut Option<(u64, Answer)>) -> (u64, Result<(), StoreError>) {
    let Some((number, receiver)) = outstanding else { return std::future::pending().await };
    let (number, result) = (*number, receiver.await.unwrap_or(Err(StoreError::Stopped)));
    *outstanding = None;
    (number, result)
}

async fn next_message(stream: &mut Option<(Inbound, Outbound)>) -> Option<Result<ClientMessage, InboundError>> {
    match stream {
        Some((inbound, _)) => inbound.next().await,
        None => std::future::pending().await,
    }
}
