//! What an operator sets: the file, merged once with what the command line says, into plain structs.
//!
//! It reads files only when asked to by name, and starts nothing.

mod file;
mod google;
mod network;
mod plans;
mod reader;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use cnc_model::{HostName, Plan};
use thiserror::Error;

pub use network::{InvalidNetwork, Network};
pub use plans::{DEFAULT_PLAN, Plans};
pub use reader::Mistake;

use crate::google::Google;
use crate::limits::Bounds;
use crate::session::Waits;
use crate::staff::FIRST_TOKEN_FILE;
use crate::turns::Rules;

/// The port that the listener answers on where nobody says otherwise.
pub const DEFAULT_PORT: u16 = 7443;
/// The most throughput transfers at a time where nobody says otherwise: eight tests of eight flows.
pub const DEFAULT_TRANSFERS: usize = 64;

/// All that the listener is told before it starts.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each switches something by itself, as an operator writes it")]
pub struct Config {
    /// Who asks, as users see it before they agree.
    pub operator: String,
    /// Where the one port is.
    pub listen: SocketAddr,
    /// The data folder.
    pub data: PathBuf,
    /// The file of the first admin's token; `None` for one in the data folder.
    pub admin_token: Option<PathBuf>,
    /// The certificate and its key; `None` to speak without TLS.
    pub tls: Option<TlsFiles>,
    /// Whether a proxy in front speaks TLS, so that plain connections beyond loopback are meant.
    pub behind_tls_proxy: bool,
    /// Who may name the client's address in a header.
    pub trusted_proxies: Vec<Network>,
    /// Where `/generate_204` is also answered without TLS.
    pub http: Option<SocketAddr>,
    /// Where `/metrics` is answered without a token; everywhere else it wants one.
    pub metrics: Option<SocketAddr>,
    /// Whether clients may come without a code.
    pub walk_in: bool,
    /// Whether the speed endpoints want no token.
    pub public_speed: bool,
    /// The most throughput transfers at a time; further ones are told to come again.
    pub transfers: usize,
    /// When throughput tests wait for each other.
    pub speed: Rules,
    /// How many there may be of what.
    pub limits: Bounds,
    /// The listener's address as users reach it, for links; `None` to make it of [`Config::listen`].
    pub public_url: Option<String>,
    /// How long a session waits for what.
    pub waits: Waits,
    /// How long what is stored of ended sessions is kept.
    pub retention: Retention,
    /// The database of networks, an `.mmdb` file.
    pub asn_database: Option<PathBuf>,
    /// Whether Team Cymru is asked by DNS for networks that the database does not know.
    pub cymru: bool,
    /// What is used of Google's; `None` where nothing is.
    pub google: Option<Google>,
    /// After what a client's items are acknowledged.
    pub durability: Durability,
    /// Places that every client should reach: the built-in plans look at them.
    pub destinations: Vec<HostName>,
    /// The plans that the operator wrote.
    pub plans: Vec<Plan>,
}

/// How long what is stored of ended sessions is kept; `None` for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Samples; the tests' figures and the reports stay.
    pub samples: Option<Duration>,
    /// Whole sessions with their reports.
    pub sessions: Option<Duration>,
}

/// After what a client's items are acknowledged, so that it need not keep them any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Once they are on this machine's disk.
    #[default]
    Local,
    /// Once they are in BigQuery: for machines whose disk may vanish.
    BigQuery,
}

/// Where the certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain in PEM, the listener's own first.
    pub cert: PathBuf,
    /// Its key in PEM.
    pub key: PathBuf,
    /// The CA, in PEM, that every certificate which a peer shows must come from; peers without one are let in too.
    pub client_ca: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            operator: "the operator of this listener".into(),
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), DEFAULT_PORT),
            data: PathBuf::from("cnc-data"),
            admin_token: None,
            tls: None,
            behind_tls_proxy: false,
            trusted_proxies: Vec::new(),
            http: None,
            metrics: None,
            walk_in: true,
            public_speed: false,
            transfers: DEFAULT_TRANSFERS,
            speed: Rules::default(),
            limits: Bounds::default(),
            public_url: None,
            waits: Waits::default(),
            retention: Retention::default(),
            asn_database: None,
            cymru: false,
            google: None,
            durability: Durability::Local,
            destinations: Vec::new(),
            plans: Vec::new(),
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file has mistakes.
    #[error("{path} has mistakes:\n{}", mistakes.iter().map(|m| format!("  {m}")).collect::<Vec<_>>().join("\n"))]
    Mistakes {
        /// The file.
        path: PathBuf,
        /// All of them, in the order of lines.
        mistakes: Vec<Mistake>,
    },
    /// Others could read along.
    #[error(
        "listening on {0} without TLS lets everybody on the way read along: give --tls-cert and --tls-key, listen on \
         127.0.0.1 only, or say --behind-tls-proxy when a proxy in front speaks TLS"
    )]
    PlainBeyondLoopback(SocketAddr),
    /// A certificate without a key, or the other way round.
    #[error("a certificate and its key belong together: give both --tls-cert and --tls-key")]
    HalfTls,
    /// What is to be acknowledged after BigQuery has it never gets there.
    #[error("acknowledging after BigQuery needs a place there: set project and dataset in [google]")]
    DurabilityWithoutBigQuery,
    /// A CA for clients without TLS.
    #[error("--client-ca needs TLS: give --tls-cert and --tls-key as well")]
    CaWithoutTls,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// Fails when it cannot be read, or tells all its mistakes.
    pub fn read(path: &std::path::Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|mistakes| ConfigError::Mistakes { path: path.to_owned(), mistakes })
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// Tells all its mistakes, each with its line and what is allowed.
    pub fn parse(text: &str) -> Result<Self, Vec<Mistake>> {
        file::parse(text)
    }

    /// Holds against each other what the file and the command line say.
    ///
    /// # Errors
    /// Fails when the listener would speak to strangers without TLS.
    pub fn checked(self) -> Result<Self, ConfigError> {
        let plain = self.tls.is_none() && !self.behind_tls_proxy;
        if plain && !self.listen.ip().is_loopback() {
            return Err(ConfigError::PlainBeyondLoopback(self.listen));
        }
        let dataset = self.google.as_ref().and_then(|google| google.dataset.as_ref());
        if self.durability == Durability::BigQuery && dataset.is_none() {
            return Err(ConfigError::DurabilityWithoutBigQuery);
        }
        Ok(self)
    }

    /// Gives the file of the first admin's token.
    #[must_use]
    pub fn admin_token_file(&self) -> PathBuf {
        self.admin_token.clone().unwrap_or_else(|| self.data.join(FIRST_TOKEN_FILE))
    }

    /// Gives the listener's address as users reach it, without a slash at its end.
    #[must_use]
    pub fn address_for_users(&self) -> String {
        let scheme = if self.tls.is_some() || self.behind_tls_proxy { "https" } else { "http" };
        let url = self.public_url.clone().unwrap_or_else(|| format!("{scheme}://{}", self.listen));
        url.trim_end_matches('/').to_owned()
    }

    /// Gives all plans: those that are built in, and the operator's, which go before one of the same name.
    #[must_use]
    pub fn all_plans(&self) -> Plans {
        let url = self.public_url.as_deref().map(|url| url.trim_end_matches('/'));
        Plans::new(url, &self.destinations, &self.plans)
    }
}
