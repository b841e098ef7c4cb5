//! History from BigQuery: each question is one statement there, and each answer says what it cost and what cannot be in
//! it. It never answers from anything else: where BigQuery does not answer, that is what is told.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cnc_model::{Timestamp, ping, throughput};
use cnc_proto::support::{
    History, HistoryOrigin, HistoryPeriod, HistoryScope, HistorySession, HistorySessions, HistorySubject,
    HistorySubjects, ListHistorySessions,
};

use super::answer::Clock;
use super::costs::HistoryCosts;
use super::source::HistoryError;
use super::{HOUR_US, METHOD, hours_of};
use crate::clock;
use crate::google::{BIGQUERY_SCOPE, BigQuery, Google, GoogleError, Question, Reply, Tokens};
use crate::store::{ExportKind, Reach, Store};
use statements::{Point, Tables};

mod rows;
mod statements;

/// What is told as tried.
const WHAT: &str = "read history from BigQuery";
/// The word for who answers.
pub(super) const WORD: &str = "bigquery";

/// What asks BigQuery. Cloning it gives the same.
#[derive(Debug, Clone)]
pub struct BigQueryHistory {
    store: Store,
    settings: Arc<BigQuerySettings>,
    costs: Arc<HistoryCosts>,
    /// What is open while Google says yes: a new key counts from the next question on.
    opened: Arc<Mutex<Option<BigQuery>>>,
}

/// Where to ask, and within which bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BigQuerySettings {
    /// The project, and who the listener is there.
    pub google: Google,
    /// The dataset that the exporter fills.
    pub dataset: String,
    /// The most bytes that one answer may be charged as.
    pub most_billed_bytes: u64,
    /// How long samples are kept after their sessions' end; `None` for as long as the sessions.
    pub samples_kept: Option<Duration>,
}

impl BigQueryHistory {
    /// Makes one. Nothing is asked for yet.
    #[must_use]
    pub fn new(store: Store, settings: BigQuerySettings) -> Self {
        Self { store, settings: Arc::new(settings), costs: Arc::default(), opened: Arc::default() }
    }

    /// Gives what its answers came to.
    #[must_use]
    pub fn costs(&self) -> &HistoryCosts {
        &self.costs
    }

    pub(super) async fn figures(&self, scope: HistoryScope) -> Result<History, HistoryError> {
        let HistoryScope { subject, period, utc_offset_minutes } = scope;
        let reach = self.reach().await?;
        let question = self.question(statements::figures(&self.tables(), &subject), period, &reach);
        let question = of_subject(question, subject).whole("ahead", utc_offset_minutes.into());
        let Reply { rows, billed_bytes } = self.ask(question).await?;
        let (series, probes_left_out) = rows::series(&rows, Clock::ahead(utc_offset_minutes))?;
        let sessions_behind = reach.sessions_behind;
        let origin = HistoryOrigin { probes_left_out, ..self.origin(&reach, billed_bytes) };
        // The nearest rank is found among the values themselves.
        Ok(History { series, method: METHOD.to_owned(), error_ratio: 0.0, sessions_behind, origin })
    }

    pub(super) async fn subjects(&self, period: HistoryPeriod, limit: u32) -> Result<HistorySubjects, HistoryError> {
        let reach = self.reach().await?;
        let question = self.question(statements::subjects(&self.tables(), limit), period, &reach);
        let Reply { rows, billed_bytes } = self.ask(question).await?;
        let sessions_behind = reach.sessions_behind;
        Ok(HistorySubjects { sessions_behind, origin: self.origin(&reach, billed_bytes), ..rows::subjects(&rows)? })
    }

    pub(super) async fn sessions(
        &self,
        request: ListHistorySessions,
        limit: u32,
    ) -> Result<HistorySessions, HistoryError> {
        let ListHistorySessions { scope, hour, kind, method, limit: _ } = request;
        let HistoryScope { subject, period, utc_offset_minutes } = scope;
        let reach = self.reach().await?;
        let point = Point { is_ping: kind.is_ping(), has_hour: hour.is_some(), limit };
        let sql = statements::sessions(&self.tables(), &subject, point);
        let question = of_subject(self.question(sql, period, &reach), subject)
            .whole("ahead", utc_offset_minutes.into())
            .text("kind", kind.word())
            .text("method", method);
        let question = hour.into_iter().fold(question, |question, hour| question.whole("hour", hour.into()));
        let Reply { rows, billed_bytes } = self.ask(question).await?;
        let (mut sessions, total) = rows::sessions(&rows)?;
        self.as_known_here(&mut sessions).await?;
        Ok(HistorySessions { sessions, total, origin: self.origin(&reach, billed_bytes) })
    }

    /// Tells of sessions that are in the record what that says, which is newer.
    async fn as_known_here(&self, sessions: &mut [HistorySession]) -> Result<(), HistoryError> {
        let known = self.store.history_overviews(sessions.iter().map(HistorySession::id).collect()).await?;
        for overview in known {
            if let Some(of) = sessions.iter_mut().find(|of| of.id() == overview.id) {
                of.session = overview;
            }
        }
        Ok(())
    }

    /// Reads how far the export has got, before BigQuery is asked: what comes meanwhile may be in the answer, or not.
    async fn reach(&self) -> Result<Reach, HistoryError> {
        Ok(self.store.export_reach(clock::wall()).await?)
    }

    fn tables(&self) -> Tables {
        let place = format!("{}.{}", self.settings.google.project, self.settings.dataset);
        let named = |kind: ExportKind| format!("`{place}.{}`", kind.word());
        Tables {
            sessions: named(ExportKind::Sessions),
            tests: named(ExportKind::Tests),
            samples: named(ExportKind::Samples),
        }
    }

    /// Makes a question with what all have.
    fn question(&self, sql: String, period: HistoryPeriod, reach: &Reach) -> Question {
        let (first, behind) = hours_of(period);
        let begin = |hour: i64| Timestamp::from_unix_us(hour.saturating_mul(HOUR_US));
        Question::new(WHAT, sql, self.settings.most_billed_bytes)
            .moment("first", begin(first))
            .moment("behind", begin(behind))
            .text("ping", ping::METHOD)
            .text("load", throughput::METHOD)
            .texts("removed", reach.removed.iter().cloned())
    }

    async fn ask(&self, question: Question) -> Result<Reply, HistoryError> {
        let asked = async { self.open().await?.ask(question).await };
        match asked.await {
            Ok(reply) => {
                self.costs.answered(reply.billed_bytes);
                Ok(reply)
            }
            Err(error) => {
                self.hold(None);
                self.costs.failed(&error);
                Err(error.into())
            }
        }
    }

    async fn open(&self) -> Result<BigQuery, GoogleError> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(opened) = opened {
            return Ok(opened);
        }
        let BigQuerySettings { google, dataset, .. } = &*self.settings;
        let tokens = Tokens::open(google, &[BIGQUERY_SCOPE]).await?;
        let opened = BigQuery::open(google, dataset, tokens).await?;
        self.hold(Some(opened.clone()));
        Ok(opened)
    }

    fn hold(&self, opened: Option<BigQuery>) {
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = opened;
    }

    fn origin(&self, reach: &Reach, billed_bytes: Option<u64>) -> HistoryOrigin {
        let kept = |kept: Duration| Timestamp::from_unix_us(clock::wall().unix_us().saturating_sub_unsigned(us(kept)));
        HistoryOrigin {
            source: WORD.to_owned(),
            billed_bytes,
            billed_total_bytes: Some(self.costs.billed_bytes()),
            complete_until: Some(reach.complete_until),
            sessions_left_out: reach.sessions_left_out,
            samples_since: self.settings.samples_kept.map(kept),
            probes_left_out: 0,
        }
    }
}

fn us(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn of_subject(question: Question, subject: HistorySubject) -> Question {
    match subject {
        HistorySubject::Destination(destination) => question.text("destination", destination),
        HistorySubject::Provider(asn) => question.whole("asn", asn.into()),
        HistorySubject::Both(destination, asn) => question.text("destination", destination).whole("asn", asn.into()),
    }
}
