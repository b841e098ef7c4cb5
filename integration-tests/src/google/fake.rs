//! A stand-in for BigQuery: its Storage Write interface with streams and offsets as Google documents them, as much of
//! REST as the exporter's doubts and removals ask for, tokens, and every fault that is asked for. All on one port.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cnc_server::google::storage::AppendRowsRequest;
use cnc_server::google::{Credentials, Endpoints, Google};
use prost_types::DescriptorProto;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::Code;

use super::message::Row;
use crate::random::Random;

mod gate;
mod oauth;
mod rest;
mod storage;

pub use gate::Held;

/// What may go wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is refused before anything is done.
    Refused(Code),
    /// It is done, and then refused all the same.
    DoneAndRefused(Code),
    /// It is done, and the connection breaks before the answer.
    DoneAndCut,
    /// It is done, and never answered.
    DoneAndSilent,
    /// It is not done, and never answered.
    Silent,
    /// The stream is forgotten, done or not.
    Forgotten,
    /// It is on its way for long: it is done when the test says so, and never answered.
    Late,
}

/// The faults of chaos, each as likely as its place in the list says.
const CHAOS: [Fault; 8] = [
    Fault::Refused(Code::Unavailable),
    Fault::Refused(Code::ResourceExhausted),
    Fault::Refused(Code::Internal),
    Fault::DoneAndRefused(Code::Unavailable),
    Fault::DoneAndCut,
    Fault::DoneAndSilent,
    Fault::Silent,
    Fault::Forgotten,
];

/// A running stand-in; dropping it ends it.
#[derive(Debug)]
pub struct Fake {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    streams: HashMap<String, Stream>,
    /// By project, dataset and name.
    tables: BTreeMap<String, Vec<Row>>,
    /// Faults of the next appends, then of none, unless there is chaos.
    next: Vec<Option<Fault>>,
    /// One of so many calls goes wrong, and where chance comes from.
    chaos: Option<(u64, Random)>,
    /// What the token server says in place of a token.
    token_error: Option<(u16, String)>,
    /// What REST says in place of an answer.
    rest_error: Option<(u16, String)>,
    /// What opening a stream says.
    stream_error: Option<(Code, String)>,
    /// Sessions whose rows are refused one by one, and whether it is said which rows they are.
    poison: Option<(String, bool)>,
    /// What every append says.
    append_error: Option<Code>,
    /// Service accounts with their public keys, and how far the token server's clock is on.
    accounts: HashMap<String, Vec<u8>>,
    clock_on: Duration,
    /// How long an append takes, and the rows of each table, where those are only counted.
    counting: Option<(Duration, HashMap<String, usize>)>,
    /// Appends that are on their way for long.
    late: Vec<AppendRowsRequest>,
    statements: Vec<String>,
    /// Questions with a bound on their cost, as they were asked, and what one costs.
    questions: Vec<serde_json::Value>,
    question_bytes: u64,
    /// Whether questions take longer than anybody waits.
    is_slow: bool,
    made: u64,
    appends: u64,
    /// Calls of every kind, which of them is held, and what changes with each.
    calls: u64,
    held: Option<(u64, Held)>,
    changes: watch::Sender<()>,
}

#[derive(Debug, Clone)]
struct Stream {
    table: String,
    next_offset: i64,
    is_final: bool,
    descriptor: Option<DescriptorProto>,
}

impl State {
    fn fault(&mut self) -> Option<Fault> {
        if !self.next.is_empty() {
            return self.next.remove(0);
        }
        let (one_in, random) = self.chaos.as_mut()?;
        random.once_in(*one_in).then(|| *random.pick(&CHAOS))
    }
}

impl Fake {
    /// Starts it on a free port.
    ///
    /// # Panics
    /// When there is none.
    pub async fn start() -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts it at an address.
    ///
    /// # Panics
    /// When that is taken.
    pub async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let state = Arc::<Mutex<State>>::default();
        let router = rest::routes(Arc::clone(&state)).merge(storage::routes(Arc::clone(&state)));
        let router = router.merge(oauth::routes(Arc::clone(&state)));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap_or_default() });
        Self { address, state, serving }
    }

    /// Gives its address.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Gives settings that lead to it.
    #[must_use]
    pub fn google(&self) -> Google {
        google_at(self.address)
    }

    /// Gives a listener's settings that lead to it, with the credentials that they are to name.
    #[must_use]
    pub fn settings(&self, credentials: &str) -> String {
        settings_at(self.address, credentials)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the next appends go wrong, or right.
    pub fn next(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.state().next.extend(faults);
    }

    /// Lets one of so many appends go wrong from now on, as chance falls; 0 for none.
    pub fn chaos(&self, one_in: u64, seed: u64) {
        self.state().chaos = (one_in > 0).then(|| (one_in, Random::new(seed)));
    }

    /// Refuses rows of a session, by name or without saying which.
    pub fn poison(&self, session: &str, is_named: bool) {
        self.state().poison = Some((session.to_owned(), is_named));
    }

    /// Lets the token server say no.
    pub fn refuse_tokens(&self, status: u16, body: &str) {
        self.state().token_error = Some((status, body.to_owned()));
    }

    /// Lets REST say no from now on, or yes again.
    pub fn refuse_rest(&self, answer: Option<(u16, String)>) {
        self.state().rest_error = answer;
    }

    /// Lets opening a stream be refused, or permitted again.
    pub fn refuse_streams(&self, answer: Option<(Code, &str)>) {
        self.state().stream_error = answer.map(|(code, said)| (code, said.to_owned()));
    }

    /// Lets rows be counted from now on, not read and kept, and each append take a while, as at Google.
    pub fn only_count(&self, append: Duration) {
        self.state().counting = Some((append, HashMap::new()));
    }

    /// Lets every append be refused from now on, or permitted again.
    pub fn refuse_appends(&self, code: Option<Code>) {
        self.state().append_error = code;
    }

    /// Lets the appends arrive that are on their way for long; gives how many rows they brought.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn deliver_late(&self) -> usize {
        let mut state = self.state();
        let rows = |state: &State| state.tables.values().map(Vec::len).sum::<usize>();
        let (late, before) = (std::mem::take(&mut state.late), rows(&state));
        assert!(!late.is_empty(), "nothing is late");
        for append in late {
            storage::append(&mut state, append);
        }
        rows(&state) - before
    }

    /// Gives the rows of a table.
    #[must_use]
    pub fn rows(&self, table: &str) -> Vec<Row> {
        self.rows_in("p.d", table)
    }

    /// Gives the rows of a table of another dataset.
    #[must_use]
    pub fn rows_in(&self, place: &str, table: &str) -> Vec<Row> {
        self.state().tables.get(&format!("{place}.{table}")).cloned().unwrap_or_default()
    }

    /// Gives how many rows a table has.
    #[must_use]
    pub fn count(&self, table: &str) -> usize {
        let (state, table) = (self.state(), format!("p.d.{table}"));
        let counted = state.counting.as_ref().and_then(|(_, rows)| rows.get(&table)).copied();
        state.tables.get(&table).map_or(0, Vec::len) + counted.unwrap_or(0)
    }

    /// Gives the statements that it was asked to run.
    #[must_use]
    pub fn statements(&self) -> Vec<String> {
        self.state().statements.clone()
    }

    /// Says what each question is charged as from now on.
    pub fn charge(&self, bytes: u64) {
        self.state().question_bytes = bytes;
    }

    /// Says whether each question takes longer than is waited for from now on.
    pub fn dawdle(&self, is_slow: bool) {
        self.state().is_slow = is_slow;
    }

    /// Gives the questions with a bound on their cost that it was asked.
    #[must_use]
    pub fn questions(&self) -> Vec<serde_json::Value> {
        self.state().questions.clone()
    }

    /// Gives how many appends it was asked for.
    #[must_use]
    pub fn appends(&self) -> u64 {
        self.state().appends
    }

    /// Forgets every stream, as a service does that was set up anew over the same tables.
    pub fn forget_streams(&self) {
        self.state().streams.clear();
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Gives a listener's settings that lead to an address, with the credentials that they are to name.
#[must_use]
pub fn settings_at(address: SocketAddr, credentials: &str) -> String {
    format!(
        "[google]\nproject = \"p\"\ncredentials = \"{credentials}\"\ndataset = \"d\"\n[google.endpoints]\n\
         bigquery = \"http://{address}/bigquery/v2\"\nstorage = \"http://{address}\"\n\
         metadata = \"http://{address}/token\"\n"
    )
}

/// Gives settings that lead to an address.
#[must_use]
pub fn google_at(address: SocketAddr) -> Google {
    Google {
        project: "p".into(),
        credentials: Credentials::Metadata,
        dataset: Some("d".into()),
        folder: None,
        location: None,
        history_max_bytes: None,
        endpoints: Endpoints {
            bigquery: format!("http://{address}/bigquery/v2"),
            storage: format!("http://{address}"),
            drive: format!("http://{address}"),
            metadata: format!("http://{address}/token"),
        },
    }
}
