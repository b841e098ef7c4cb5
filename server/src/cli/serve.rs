//! `serve`: settings from file and command line merged, logs, signals, and the listener until it is told to stop.
#![expect(clippy::doc_markdown, reason = "these docs are the help text, where backticks would show")]

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::{CliError, output};
use crate::config::{Config, ConfigError, Network, TlsFiles};
use crate::serve::Opened;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cnc-listener serve\n  cnc-listener serve --config listener.toml\n  cnc-listener \
                        serve --listen 0.0.0.0:7443 --tls-cert cert.pem --tls-key key.pem")]
pub(super) struct ServeArguments {
    /// The configuration file; what the command line says goes before it
    #[arg(long, env = "CNC_CONFIG")]
    config: Option<PathBuf>,
    /// Where to listen [default: 127.0.0.1:7443]
    #[arg(long, env = "CNC_LISTEN", value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// The data folder [default: cnc-data]
    #[arg(long, env = "CNC_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// The certificate chain, a PEM file
    #[arg(long, env = "CNC_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key, a PEM file
    #[arg(long, env = "CNC_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// A CA, a PEM file: certificates that peers show must come from it; peers without one are let in as well
    #[arg(long, env = "CNC_CLIENT_CA", value_name = "FILE")]
    client_ca: Option<PathBuf>,
    /// A proxy in front speaks TLS: allow plain connections beyond loopback
    #[arg(long)]
    behind_tls_proxy: bool,
    /// Networks of proxies that may name the client's address in X-Forwarded-For or Forwarded
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    trusted_proxies: Vec<Network>,
    /// Also answer /generate_204 without TLS there, and lead everything else to the real address
    #[arg(long, value_name = "ADDR:PORT")]
    http: Option<SocketAddr>,
    /// Also answer /metrics there, without a token
    #[arg(long, value_name = "ADDR:PORT")]
    metrics: Option<SocketAddr>,
    /// How users reach this listener, for links, like https://check.example.com
    #[arg(long, env = "CNC_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// Who asks, as users see it before they agree
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// Let anybody use the speed endpoints, not only running sessions
    #[arg(long)]
    public_speed: bool,
}

impl ServeArguments {
    /// Merges the file and the command line, once.
    fn config(self) -> Result<Config, CliError> {
        let mut config = match &self.config {
            Some(file) => Config::read(file)?,
            None => Config::default(),
        };
        config.tls = match (self.tls_cert, self.tls_key) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert, key, client_ca: None }),
            (None, None) => config.tls,
            (Some(_), None) | (None, Some(_)) => return Err(ConfigError::HalfTls.into()),
        };
        if let Some(ca) = self.client_ca {
            config.tls.as_mut().ok_or(ConfigError::CaWithoutTls)?.client_ca = Some(ca);
        }
        config.listen = self.listen.unwrap_or(config.listen);
        config.data = self.data.unwrap_or(config.data);
        config.behind_tls_proxy |= self.behind_tls_proxy;
        config.public_speed |= self.public_speed;
        config.trusted_proxies.extend(self.trusted_proxies);
        config.http = self.http.or(config.http);
        config.metrics = self.metrics.or(config.metrics);
        config.public_url = self.public_url.or(config.public_url);
        config.operator = self.operator.unwrap_or(config.operator);
        Ok(config.checked()?)
    }
}

pub(super) async fn run(arguments: ServeArguments) -> Result<(), CliError> {
    let config = arguments.config()?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // The library of tokens tells them whole to whoever asks for its details.
    let filter = filter.add_directive("yup_oauth2=warn".parse().expect("it is sound"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).init();
    allow_open_files();
    // Before it says that it listens: whoever waited for that may tell it to end at once.
    let mut signals =
        Signals::install().map_err(|source| CliError::System { what: "cannot wait for signals".into(), source })?;
    let shutdown = CancellationToken::new();
    let listener = crate::bind(config.listen).await?;
    let bound = listener.local_addr().unwrap_or(config.listen);
    let opened = Opened::open(&config, listener).await?;
    if config.listen.ip().is_unspecified() && config.public_url.is_none() {
        tracing::warn!("links name no real address: say how users reach this listener by --public-url");
    }
    tracing::info!(url = opened.address_for_users(), "ready");
    output::aside(&format!("listening on {bound}; users reach it at {}", opened.address_for_users()));
    output::aside(&format!("the admin token is in {}", config.admin_token_file().display()));
    let mut running = std::pin::pin!(opened.run(shutdown.clone()));
    tokio::select! {
        () = running.as_mut() => return Ok(()),
        () = signals.next() => {}
    }
    shutdown.cancel();
    // Liveness: `shutdown` ends it; a second signal ends it at once.
    tokio::select! {
        () = running => {}
        () = signals.next() => {}
    }
    Ok(())
}

/// Takes as many open files as the system lets this user have: the usual first limit of 1,024 is that many connections.
#[cfg(unix)]
fn allow_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    match raised {
        Ok(()) => tracing::debug!(?current, ?maximum, "open files"),
        Err(error) => tracing::warn!(%error, ?current, "the limit of open files stays as it is"),
    }
}

#[cfg(not(unix))]
fn allow_open_files() {}

/// Ctrl-C and, where there is such a thing, SIGTERM; none is missed once they are installed.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn install() -> Result<Self, std::io::Error> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C; none is missed once it is installed.
#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn install() -> Result<Self, std::io::Error> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
