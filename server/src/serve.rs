//! The listener as a whole: everything opened in its order, run until told to stop, and closed in its order.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use cnc_probe::respond::EchoSocket;
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;

use crate::accept::{Acceptor, Forwarding, Tls, TlsError};
use crate::config::{Config, DEFAULT_PLAN, Durability};
use crate::drive::DriveSettings;
use crate::echo;
use crate::export::{Exporter, Tempo};
use crate::grpc::{self, Services};
use crate::history::{BigQueryHistory, BigQuerySettings, HistorySource};
use crate::http::{self, Web};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::networks::Networks;
use crate::sessions::{Sessions, SessionsError, Settings};
use crate::staff::{Staff, StaffError};
use crate::store::{Store, StoreError};
use crate::turns::Turns;

/// The record's file in the data folder.
pub(crate) const STORE_FILE: &str = "cnc.db";
/// The reports' folder in the data folder.
const REPORTS_FOLDER: &str = "reports";
/// The folder in the data folder where documents lie while they are sent to Drive.
const DOCUMENTS_FOLDER: &str = "documents";
/// The folder in the data folder that holds the programs that users download.
const DOWNLOADS_FOLDER: &str = "downloads";

/// Why the listener cannot start.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The data folder cannot be made.
    #[error("cannot make the data folder {path} ({source}): give another by --data")]
    Data {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The record cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tokens cannot be used.
    #[error(transparent)]
    Staff(#[from] StaffError),
    /// The sessions cannot be gone on with.
    #[error(transparent)]
    Sessions(#[from] SessionsError),
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Connections that the kernel keeps until they are accepted: a restart brings all clients at once. The usual 128
/// overflow then, and a connection that Linux took in by a SYN cookie is reset.
const BACKLOG: u32 = 4_096;

/// Opens an address to listen on.
///
/// # Errors
/// Says which address and why not.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let opened = async {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // As every server does on Unix: a restart must not wait for old connections. Elsewhere it means another thing.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    opened.await.map_err(|source| ServeError::Bind { address, source })
}

/// Runs the listener on a port that is open already, until told to stop. When it returns everything is durable.
///
/// # Errors
/// Says why it cannot start; once it runs it does not fail.
// Liveness: ended by `shutdown`.
pub async fn serve(config: Config, listener: TcpListener, shutdown: CancellationToken) -> Result<(), ServeError> {
    Opened::open(&config, listener).await?.run(shutdown).await;
    Ok(())
}

/// A listener with everything open, ready to run.
pub struct Opened {
    services: Services,
    ports: Ports,
}

impl Opened {
    /// Opens the data folder and everything that is needed.
    ///
    /// # Errors
    /// Says what cannot be opened and why.
    pub async fn open(config: &Config, listener: TcpListener) -> Result<Self, ServeError> {
        let data = &config.data;
        make_folder(data).map_err(|source| ServeError::Data { path: data.clone(), source })?;
        let tls = config.tls.clone().map(Tls::open).transpose()?.map(Arc::new);
        let store = Store::open(&data.join(STORE_FILE))?;
        let staff = Staff::open(store.clone(), &config.admin_token_file()).await?;
        let bound = listener.local_addr().ok();
        let echo = bound.and_then(echo::open);
        let settings = Settings { udp_echo: echo.is_some(), tls: tls.clone(), ..settings(config, bound) };
        let metrics = Arc::<Metrics>::default();
        let limits = Arc::new(Limits::new(Arc::clone(&metrics), config.transfers, config.limits));
        let exporter = exporter(config, &store);
        let services = Services {
            exports: exporter.as_ref().map(Exporter::figures),
            address_for_users: settings.public_url.clone().unwrap_or_default().into(),
            reports: Arc::new(settings.reports.clone()),
            sessions: Sessions::start(store.clone(), settings, Arc::clone(&limits)).await?,
            history: history(config, &store),
            store,
            staff,
            plans: Arc::new(config.all_plans()),
            limits,
            started: crate::clock::wall(),
            metrics,
        };
        let ports = Ports { echo, exporter, ..Ports::open(config, listener, &services, tls).await? };
        Ok(Self { services, ports })
    }

    /// Gives the address at which users reach it.
    #[must_use]
    pub fn address_for_users(&self) -> &str {
        &self.services.address_for_users
    }

    /// Runs until told to stop. When it returns everything is durable.
    // Liveness: ended by `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        self.ports.run(&self.services, shutdown).await;
    }
}

/// Makes what follows the record into BigQuery, where the settings say so.
fn exporter(config: &Config, store: &Store) -> Option<Exporter> {
    let google = config.google.clone()?;
    let dataset = google.dataset.clone()?;
    let tempo = match config.durability {
        Durability::Local => Tempo::GATHERING,
        Durability::BigQuery => Tempo::PROMPT,
    };
    Some(Exporter::new(store.clone(), google, dataset, tempo))
}

/// Says who answers what is asked of history.
fn history(config: &Config, store: &Store) -> HistorySource {
    let asked = config.google.clone().and_then(|google| {
        let (dataset, most_billed_bytes) = (google.dataset.clone()?, google.history_max_bytes?);
        Some(BigQuerySettings { google, dataset, most_billed_bytes, samples_kept: config.retention.samples })
    });
    match asked {
        Some(settings) => HistorySource::BigQuery(BigQueryHistory::new(store.clone(), settings)),
        None => HistorySource::Store(store.clone()),
    }
}

/// Makes the data folder, which is nobody else's to read: it holds strangers' measurements.
fn make_folder(path: &std::path::Path) -> Result<(), io::Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn settings(config: &Config, bound: Option<SocketAddr>) -> Settings {
    let bound = Config { listen: bound.unwrap_or(config.listen), ..config.clone() };
    Settings {
        operator: config.operator.clone(),
        waits: config.waits,
        walk_in: config.walk_in,
        default_plan: DEFAULT_PLAN.to_owned(),
        plans: config.all_plans().iter().cloned().collect(),
        reports: config.data.join(REPORTS_FOLDER),
        retention: config.retention,
        public_url: Some(bound.address_for_users()),
        networks: Arc::new(Networks::new(config.asn_database.clone(), config.cymru)),
        after_export: config.durability == Durability::BigQuery,
        udp_echo: false,
        drive: config.google.clone().and_then(|google| {
            let folder = google.folder.clone()?;
            Some(DriveSettings { google, folder, spool: config.data.join(DOCUMENTS_FOLDER) })
        }),
        tls: None,
    }
}

/// The addresses that are listened on, and what answers there.
struct Ports {
    all: Vec<(TcpListener, Acceptor)>,
    echo: Option<EchoSocket>,
    exporter: Option<Exporter>,
    health: tonic_health::server::HealthReporter,
}

impl Ports {
    async fn open(
        config: &Config,
        listener: TcpListener,
        services: &Services,
        tls: Option<Arc<Tls>>,
    ) -> Result<Self, ServeError> {
        let web = Web {
            services: services.clone(),
            public_speed: config.public_speed,
            runs: Arc::default(),
            turns: Arc::new(Turns::new(config.speed)),
            operator: config.operator.as_str().into(),
            secure: config.tls.is_some() || config.behind_tls_proxy,
            downloads: config.data.join(DOWNLOADS_FOLDER).into(),
        };
        let (grpc, health) = grpc::routes(services.clone()).await;
        let forwarding = Arc::new(Forwarding { trusted: config.trusted_proxies.clone() });
        let metrics: &Arc<Metrics> = &services.metrics;
        let answering = |router, tls| Acceptor {
            router,
            tls,
            forwarding: Arc::clone(&forwarding),
            metrics: Arc::clone(metrics),
            limits: Arc::clone(&services.limits),
        };
        let calls = http::for_pages(grpc, web.clone());
        let mut all = vec![(listener, answering(calls.merge(http::routes(web.clone())), tls))];
        if let Some(address) = config.http {
            let router = http::plain(services.address_for_users.to_string());
            all.push((bind(address).await?, answering(router, None)));
        }
        if let Some(address) = config.metrics {
            all.push((bind(address).await?, answering(http::metrics_routes(web), None)));
        }
        Ok(Self { all, echo: None, exporter: None, health })
    }

    /// Accepts everywhere until told to stop; then sessions let their clients go, and connections end.
    async fn run(self, services: &Services, shutdown: CancellationToken) {
        let stop = CancellationToken::new();
        let mut accepting = tokio::task::JoinSet::new();
        for (listener, acceptor) in self.all {
            if let Some(tls) = acceptor.tls.clone() {
                let stop = stop.clone();
                accepting.spawn(async move { tls.watch(stop).await });
            }
            let address = listener.local_addr().ok();
            tracing::info!(address = address.map(tracing::field::display), "listening");
            accepting.spawn(acceptor.run(listener, stop.clone()));
        }
        if let Some(socket) = self.echo {
            accepting.spawn(echo::serve(socket, services.clone(), stop.clone()));
        }
        if let Some(exporter) = self.exporter {
            accepting.spawn(exporter.run_aside(stop.clone()));
        }
        shutdown.cancelled().await;
        tracing::info!("stopping");
        self.health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
        stop.cancel();
        services.sessions.shutdown().await;
        // Liveness: each ends within the accept loop's own limit.
        while let Some(ended) = accepting.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task of the listener's ended badly");
            }
        }
    }
}
