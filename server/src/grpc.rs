//! The services at the door: `Listener` for clients, `Support` for staff, and the standard health and reflection.
//!
//! Here wire becomes model and back, and rights are checked. What is asked is done elsewhere.

mod listener;
mod status;
mod support;

use std::path::PathBuf;
use std::sync::Arc;

use cnc_model::{SessionId, Timestamp};
use cnc_proto::FILE_DESCRIPTOR_SET;
use cnc_proto::support::{DocumentsStatus, ExportStatus, LimitReached, Status};
use cnc_proto::v1::listener_server::ListenerServer;
use cnc_proto::v1::support_server::SupportServer;
use tonic::service::Routes;
use tonic_health::server::HealthReporter;

use crate::clock;
use crate::config::Plans;
use crate::export::{ExportFigures, Failing};
use crate::history::HistorySource;
use crate::limits::{Limits, Over};
use crate::metrics::{DocumentGauges, ExportGauges, Metrics};
use crate::roles::Call;
use crate::sessions::Sessions;
use crate::staff::{Staff, Who};
use crate::store::{AuditEntry, DocumentsStanding, Standing, Store, StoreError};

/// The largest message taken from a client: a batch of 64 items, the last of them a long path's summary, is a tenth.
const MAX_CLIENT_MESSAGE: usize = 1 << 20;
/// The largest message taken from staff: a test with its parameters is far smaller.
const MAX_STAFF_MESSAGE: usize = 64 << 10;

/// All that the services work with.
#[derive(Debug, Clone)]
pub struct Services {
    /// The live sessions.
    pub sessions: Sessions,
    /// What the exporter tells of itself, where there is one.
    pub exports: Option<Arc<ExportFigures>>,
    /// The record.
    pub store: Store,
    /// Who answers what is asked of history.
    pub history: HistorySource,
    /// Who may what.
    pub staff: Staff,
    /// The plans.
    pub plans: Arc<Plans>,
    /// The listener's address as users reach it.
    pub address_for_users: Arc<str>,
    /// Where reports lie.
    pub reports: Arc<PathBuf>,
    /// When the listener was started.
    pub started: Timestamp,
    /// Where things are counted.
    pub metrics: Arc<Metrics>,
    /// What peers may hold open and try.
    pub limits: Arc<Limits>,
}

impl Services {
    /// Notes who does what, before it is done: what cannot be noted is not done.
    ///
    /// # Errors
    /// Fails when it cannot be stored.
    pub async fn note(
        &self,
        who: &Who,
        call: Call,
        session: Option<SessionId>,
        detail: String,
    ) -> Result<(), StoreError> {
        if !call.is_noted() {
            return Ok(());
        }
        let who = format!("{} ({})", who.name, who.id);
        self.store.audit(AuditEntry { at: clock::wall(), who, action: call.word(), session, detail }).await
    }
}

impl Services {
    /// Tells how the listener does.
    ///
    /// # Errors
    /// Fails when the record cannot be read.
    pub async fn standing(&self) -> Result<Status, StoreError> {
        let Standing { bytes, sessions, jobs_waiting, jobs_failing, last_error } = self.store.standing().await?;
        let live = self.sessions.overviews();
        let reached = |(over, times): (Over, u64)| LimitReached {
            name: over.word().to_owned(),
            message: over.to_string(),
            times,
        };
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").into(),
            started: self.started,
            now: clock::wall(),
            sessions_live: live.len() as u64,
            clients_connected: live.iter().filter(|overview| overview.connected).count() as u64,
            sessions_stored: sessions,
            store_bytes: bytes,
            store_failures: self.store.counts().failures,
            jobs_waiting,
            jobs_failing,
            last_error,
            limits: self.metrics.limits().into_iter().map(reached).collect(),
            export: self.export().await?,
            documents: self.documents().await?,
        })
    }

    /// Gives the figures of documents in Drive; `None` where there are none.
    ///
    /// # Errors
    /// Fails when the record cannot be read.
    pub async fn document_gauges(&self) -> Result<Option<DocumentGauges>, StoreError> {
        let Some(figures) = self.sessions.document_figures() else { return Ok(None) };
        let standing = self.store.documents_standing().await?;
        let age = standing.oldest.map(|since| clock::wall().since(since));
        Ok(Some(DocumentGauges {
            oldest_seconds: age.map_or(0, |age| age.as_secs()),
            done: figures.done(),
            failures: figures.failures().collect(),
            standing,
        }))
    }

    /// Tells how documents in Drive stand; `None` where there are none.
    async fn documents(&self) -> Result<Option<DocumentsStatus>, StoreError> {
        let Some(DocumentGauges { standing, oldest_seconds, .. }) = self.document_gauges().await? else {
            return Ok(None);
        };
        let DocumentsStanding { waiting, removals_waiting, failing, oldest: _, last_error } = standing;
        Ok(Some(DocumentsStatus { waiting, removals_waiting, oldest_seconds, failing, failing_message: last_error }))
    }

    /// Gives the export's figures; `None` where there is none.
    ///
    /// # Errors
    /// Fails when the record cannot be read.
    pub async fn export_gauges(&self) -> Result<Option<ExportGauges>, StoreError> {
        let Some(figures) = &self.exports else { return Ok(None) };
        let standing = self.store.export_standing().await?;
        let lag = standing.behind_since.map(|since| clock::wall().since(since));
        Ok(Some(ExportGauges {
            lag_seconds: lag.map_or(0, |lag| lag.as_secs()),
            arrivals: figures.arrivals(),
            is_failing: figures.failing().is_some(),
            failures: figures.failures().collect(),
            standing,
        }))
    }

    /// Tells how the export to BigQuery stands; `None` where there is none.
    async fn export(&self) -> Result<Option<ExportStatus>, StoreError> {
        let Some(figures) = &self.exports else { return Ok(None) };
        let Some(ExportGauges { standing, lag_seconds, .. }) = self.export_gauges().await? else { return Ok(None) };
        let (failing_kind, failing_message) = match figures.failing() {
            Some(Failing { kind, message, at: _ }) => (Some(kind.word().to_owned()), Some(message)),
            None => (None, None),
        };
        Ok(Some(ExportStatus {
            lag_rows: standing.lag_rows,
            lag_seconds,
            exported_rows: standing.exported_rows,
            set_aside: standing.set_aside,
            last_set_aside: standing.last_set_aside,
            removals_waiting: standing.removals_waiting,
            removals_failing: standing.removals_failing,
            failing_kind,
            failing_message,
        }))
    }
}

/// Makes the routes of all services, and what tells them to say that they are ready.
///
/// # Panics
/// Never: the descriptors are this build's own.
pub async fn routes(services: Services) -> (axum::Router, HealthReporter) {
    let (reporter, health) = tonic_health::server::health_reporter();
    let listener = ListenerServer::new(listener::Door { services: services.clone() })
        .max_decoding_message_size(MAX_CLIENT_MESSAGE);
    let support = SupportServer::new(support::Desk { services }).max_decoding_message_size(MAX_STAFF_MESSAGE);
    reporter.set_serving::<ListenerServer<listener::Door>>().await;
    reporter.set_serving::<SupportServer<support::Desk>>().await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .expect("this build's own descriptors are sound");
    let mut routes = Routes::builder();
    routes.add_service(listener).add_service(support).add_service(health).add_service(reflection);
    (routes.routes().into_axum_router().reset_fallback(), reporter)
}
