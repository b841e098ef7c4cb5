//! `cnc run`: a support session. Without the listener the built-in plan runs alone, is shown, and is kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cnc_model::score::Line;
use cnc_model::{Outcome, Summary, hints};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::alone::{Alone, Part};
use crate::cli::RunArgs;
use crate::clock::{SessionClock, wall};
use crate::config::{self, Choice, ListenerUrl, Source};
use crate::exit::Exit;
use crate::interrupt::Interrupts;
use crate::link::{self, Knock, MAX_EVENTS, Unreached, Way};
use crate::policy::Allowed;
use crate::proxy::{self, Found, Proxy};
use crate::record::Recorder;
use crate::session::{End, Ended, Parts, Session, TestResult};
use crate::state::{self, SavedKey};
use crate::tls::{H2, Trust};
use crate::ui::text::{clean, count};
use crate::ui::{Ui, figures};

mod earlier;
mod papers;
mod plan;

use self::papers::Papers;

pub(super) async fn run(ui: &Ui, args: &RunArgs) -> Exit {
    let choice = match config::choose(args) {
        Ok(choice) => choice,
        Err(error) => return refuse(ui, &error.to_string()),
    };
    let mut interrupts = Interrupts::listen();
    if choice.source == Source::FileName && !confirm(ui, &choice, &mut interrupts.rung).await {
        return refuse(ui, "the address in the file's name was not confirmed");
    }
    let trust = match Trust::new(choice.ca.as_deref()) {
        Ok(trust) => Arc::new(trust),
        Err(error) => return refuse(ui, &error.to_string()),
    };
    let proxies = match proxy::find(&choice.listener, |name| std::env::var(name).ok()).await {
        Ok(found) => found,
        Err(error) => return refuse(ui, &error.to_string()),
    };
    let mut road = Road::take(choice.listener.clone(), trust, proxies);
    let folder = state::folder();
    let mut alone = folder.as_ref().map(|folder| state::alone(folder, &choice.listener, wall())).unwrap_or_default();
    if !earlier::deliver(ui, &mut road, choice.code, &mut alone, &mut interrupts.rung).await {
        return Exit::Interrupted;
    }
    let key = match folder.map(|folder| SavedKey::open(&folder, &choice.listener, choice.code, wall())) {
        Some(Ok(key)) => key,
        // Without a place for it the session works; only a restart cannot go on with it.
        Some(Err(_)) | None => SavedKey::unsaved(choice.code, wall()),
    };
    match Visit::prepare(ui, args, road, &key) {
        Ok(visit) => visit.run(key, alone, interrupts.rung).await,
        Err(message) => refuse(ui, &message),
    }
}

/// What leads to the listener, whoever comes.
struct Road {
    listener: ListenerUrl,
    trust: Arc<Trust>,
    proxies: Found,
    /// The first connection: made while everything else gets ready, for that takes no longer than a round trip.
    knock: Option<Knock>,
}

impl Road {
    /// Sets out on it.
    fn take(listener: ListenerUrl, trust: Arc<Trust>, proxies: Found) -> Self {
        let mut road = Self { listener, trust, proxies, knock: None };
        road.knock = Some(Knock::begin(road.listener.clone(), road.proxy()));
        road
    }

    /// Gives the way of a client with this key. The first one that asks goes on where the road was set out on.
    fn way(&mut self, key: &SavedKey) -> Way {
        let url = self.listener.clone();
        let tls = url.tls().then(|| self.trust.watchful(H2));
        let (proxy, clock) = (self.proxy(), SessionClock::of(key.began));
        let knock = self.knock.take();
        Way { url, tls, proxy, key: key.key.clone(), code: key.code, clock, resumed: false, knock }
    }

    fn proxy(&self) -> Option<Proxy> {
        self.proxies.proxy.as_ref().map(|(proxy, _)| proxy.clone())
    }
}

fn refuse(ui: &Ui, message: &str) -> Exit {
    ui.fault(message, None);
    Exit::Usage
}

/// Lets the user type a host that only the file's name knows: a renamed file must not lead to a stranger.
async fn confirm(ui: &Ui, choice: &Choice, interrupted: &mut mpsc::Receiver<()>) -> bool {
    let host = choice.listener.host();
    ui.line("This program's file name says which server it reports to:");
    ui.heading(&format!("  {host}"));
    ui.line("Type that name if it is the one that your support person told you.");
    let typed = ui.ask("Server:");
    // Liveness: the user answers or interrupts; at the end of the input there is no answer.
    tokio::select! {
        answer = typed => answer.is_ok_and(|answer| answer.eq_ignore_ascii_case(host.as_str())),
        _ = interrupted.recv() => false,
    }
}

/// A visit to a listener.
struct Visit<'a> {
    ui: &'a Ui,
    args: &'a RunArgs,
    road: Road,
    clock: SessionClock,
    papers: Papers,
    /// Where everything is written down, if anywhere.
    kept: Option<PathBuf>,
}

impl<'a> Visit<'a> {
    fn prepare(ui: &'a Ui, args: &'a RunArgs, road: Road, key: &SavedKey) -> Result<Self, String> {
        let clock = SessionClock::of(key.began);
        let papers = Papers::of(key, args.save.as_deref(), clock)?;
        Ok(Self { ui, args, road, clock, papers, kept: args.save.clone() })
    }

    async fn run(mut self, key: SavedKey, alone: Vec<Alone>, interrupted: mpsc::Receiver<()>) -> Exit {
        let by = match &self.road.proxies.proxy {
            Some((proxy, source)) => format!(" through the proxy {proxy} (from {source})"),
            None => String::new(),
        };
        self.ui.line(&format!("Connecting to {}{by} ...", self.road.listener));
        let (events, link) = mpsc::channel(MAX_EVENTS);
        let mut linking = JoinSet::new();
        let way = Way { resumed: key.resumed && key.session.is_some(), ..self.road.way(&key) };
        linking.spawn(link::run(way, Arc::clone(&self.papers.outbox), events));
        let parts = self.parts(key, interrupted);
        let ended = Session::new(Parts { link: Some(link), alone, ..parts }).run().await;
        linking.shutdown().await;
        let exit = match &ended.end {
            End::Done => Exit::Measured,
            End::User | End::Refused => Exit::Interrupted,
            End::Unreached { why, welcomed: true } => {
                self.tell("The listener cannot be reached any more", why);
                self.keep();
                Exit::NoListener
            }
            End::Unreached { why, welcomed: false } => {
                self.tell("The listener cannot be reached", why);
                return self.go_alone(ended).await;
            }
        };
        self.conclude(ended, exit);
        exit
    }

    /// Shows what came of a session, and keeps what is to be delivered later.
    fn conclude(&mut self, mut ended: Ended, exit: Exit) {
        let undelivered = self.papers.outbox.waiting();
        let acknowledged = self.papers.outbox.acknowledged_through();
        let (journaled, recorded) = self.papers.finish();
        self.show(&ended, recorded);
        // Before the session's own file goes, in which the next run would look for them.
        for mut run in std::mem::take(&mut ended.alone) {
            match run.in_session(&ended.key.key, acknowledged) {
                Some(Part::Nothing) if !journaled => run.take_back(),
                Some(Part::Nothing | Part::Some | Part::All) => run.forget(),
                None => {}
            }
        }
        if exit == Exit::NoListener {
            // Another run within the listener's grace time goes on with it.
            self.later(undelivered);
        } else if undelivered > 0 && ended.key.journal().is_some() {
            self.later(undelivered);
            ended.key.leave();
        } else {
            ended.key.forget();
        }
    }

    /// Says what becomes of what the listener does not have.
    fn later(&self, undelivered: u64) {
        if undelivered > 0 {
            let items = count(undelivered, "item");
            self.ui.aside(&format!(
                "The listener does not have {items} of this session yet. The next run of this program with this \
                 listener delivers that, within 7 days."
            ));
        }
    }

    fn parts(&mut self, key: SavedKey, interrupted: mpsc::Receiver<()>) -> Parts {
        Parts {
            ui: self.ui.clone(),
            listener: self.road.listener.clone(),
            proxy: self.road.proxy(),
            yes: self.args.yes,
            allowed: Allowed { lan: self.args.allow_lan, loopback: self.args.allow_loopback },
            clock: self.clock,
            outbox: Arc::clone(&self.papers.outbox),
            link: None,
            plan: Vec::new(),
            key,
            earlier: std::mem::take(&mut self.papers.earlier),
            alone: Vec::new(),
            faults: self.papers.faults(),
            trust: Arc::clone(&self.road.trust),
            interrupted,
        }
    }

    /// Runs the built-in plan without the listener, and keeps the result for the next session with it.
    async fn go_alone(mut self, ended: Ended) -> Exit {
        let refused = matches!(ended.end, End::Unreached { why: Unreached::Refused { .. }, .. });
        let Ended { key, alone, interrupted, .. } = ended;
        drop(alone);
        let own = self.run_alone(refused, interrupted).await;
        if refused {
            // A key that is refused is of no use to another run.
            key.forget();
        }
        let (journaled, recorded) = self.papers.finish();
        self.show(&own, recorded);
        if own.key.journal().is_some() {
            if journaled {
                self.ui.aside(
                    "The next run of this program with this listener delivers this result, within 7 days and if you \
                     agree then.",
                );
            } else {
                own.key.forget();
            }
        }
        if matches!(own.end, End::User) { Exit::Interrupted } else { Exit::NoListener }
    }

    /// A listener that has refused this client was there, and is owed nothing.
    async fn run_alone(&mut self, refused: bool, interrupted: mpsc::Receiver<()>) -> Ended {
        self.ui.gap();
        self.ui.heading("What can be measured without it");
        let began = wall();
        let folder = state::folder().filter(|_| !refused);
        let opened = folder.map(|folder| SavedKey::open_alone(&folder, &self.road.listener, began));
        let key = opened.and_then(Result::ok).unwrap_or_else(|| SavedKey::unsaved(None, began));
        let clock = SessionClock::of(began);
        if let Ok(papers) = Papers::of(&key, None, clock) {
            self.papers.replace(papers);
        }
        self.clock = clock;
        if let Some(path) = self.args.save.clone() {
            match Recorder::resume(&path, clock.began()) {
                Ok(recorder) => self.papers.outbox.record_to(recorder),
                Err(error) => self.ui.fault(&unwritable(&path, &error), None),
            }
        }
        self.keep();
        let parts = self.parts(key, interrupted);
        Session::new(Parts { plan: plan::of(&self.road.listener), ..parts }).run().await
    }

    /// Says why the listener cannot be reached and what would help.
    fn tell(&self, what: &str, why: &Unreached) {
        self.ui.gap();
        if let Unreached::Refused { why: said } = why {
            self.ui.fault(
                &format!("The listener refused: {}", clean(said)),
                Some(&format!("What would help: {}", why.hint())),
            );
            return;
        }
        let cause = std::error::Error::source(why).map(|source| format!(" ({source})")).unwrap_or_default();
        self.ui.fault(
            &format!("{what}: {}{}", clean(&why.to_string()), clean(&cause)),
            Some(&format!("What would help: {}", why.hint())),
        );
        if let Some(source) = self.road.proxies.script {
            self.ui.aside(&format!(
                "A script chooses the proxy here, says {source}; this program does not run such scripts. If other \
                 programs need a proxy, name it in HTTPS_PROXY."
            ));
        }
    }

    /// Writes down what the listener does not have, where nothing is written down yet.
    fn keep(&mut self) {
        if self.kept.is_some() {
            return;
        }
        let Some(folder) = state::folder().map(|folder| folder.join("results")) else { return };
        let path = folder.join(format!("{}.jsonl", self.clock.began().to_string().replace(':', "")));
        let made = std::fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, &error));
        match made.and_then(|()| create(&path, self.clock)) {
            Ok(recorder) => {
                self.papers.outbox.record_to(recorder);
                self.kept = Some(path);
            }
            Err(message) => self.ui.fault(&message, Some("--save FILE keeps the result elsewhere")),
        }
    }

    /// Shows all figures, and where else they are.
    fn show(&self, ended: &Ended, recorded: Option<std::io::Error>) {
        if !ended.results.is_empty() {
            self.ui.gap();
            self.ui.heading("Results");
        }
        for result in ended.results.values() {
            self.ui.gap();
            self.ui.line(&title(result));
            match (&result.summary, &result.outcome) {
                (Some(summary), _) => self.ui.indented(&figures::lines(summary)),
                (None, outcome) => self.ui.indented(&[figures::ending(outcome, None)]),
            }
            if let Outcome::Failed(failure) = &result.outcome {
                self.ui.indented(&figures::failure(failure));
            }
        }
        let tests = ended.results.values().filter_map(|result| Some((&result.test, result.summary.as_ref()?)));
        let scores = figures::scores(&Line::of(tests));
        if !scores.is_empty() {
            self.ui.gap();
            self.ui.line("What this line is good for");
            self.ui.indented(&scores);
        }
        let tests = ended.results.values().filter_map(|result| Some((&result.test, result.summary.as_ref()?)));
        let hints = hints::of(tests);
        if !hints.is_empty() {
            self.ui.gap();
            self.ui.line("In between");
            self.ui.indented(&hints.iter().map(|hint| clean(&hint.to_string())).collect::<Vec<_>>());
        }
        self.ui.gap();
        if let Some(url) = &ended.papers.report_url {
            self.ui.line(&format!("Report: {url}"));
        }
        if let Some(url) = &ended.papers.document_url {
            self.ui.line(&format!("The helpdesk’s own copy, which only they may be able to open: {url}"));
        }
        if let Some(path) = &self.kept {
            match recorded {
                None => self.ui.line(&format!("Saved: {}", path.display())),
                Some(error) => self.ui.fault(&unwritable(path, &error), None),
            }
        }
    }
}

/// Names a test with the address that was measured.
fn title(result: &TestResult) -> String {
    let title = clean(&result.test.title());
    let address = result.summary.as_ref().and_then(Summary::measured).and_then(|measured| measured.address);
    match address.map(|address| address.to_string()) {
        Some(address) if !title.contains(&address) => format!("{title} ({address})"),
        Some(_) | None => title,
    }
}

fn create(path: &Path, clock: SessionClock) -> Result<Recorder, String> {
    Recorder::create(path, clock.began()).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}
