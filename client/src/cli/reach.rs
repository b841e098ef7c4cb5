//! The flags of `cnc mtu`, `cnc dns` and `cnc http`.

use std::path::PathBuf;

use clap::Args;
use cnc_model::test::{DnsTest, HttpTest, InvalidTest, MtuTest};
use cnc_model::{Destination, HostName, Test};

use super::{FamilyArgs, OutputArgs};

/// Flags of `cnc mtu`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  cnc mtu example.com
  cnc mtu -6 --json example.com")]
pub struct MtuArgs {
    /// A name or an address
    pub host: HostName,
    #[command(flatten)]
    family: FamilyArgs,
    /// How results are written.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Flags of `cnc dns`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  cnc dns example.com
  cnc dns example.com --server 192.0.2.53")]
pub struct DnsArgs {
    /// The name to ask for
    pub name: HostName,
    /// Ask this server alone [default: each of this computer's DNS servers, and its own resolver]
    #[arg(long, value_name = "ADDR")]
    pub server: Option<HostName>,
    /// How results are written.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Flags of `cnc http`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Redirections are told, not followed.

Examples:
  cnc http https://example.com
  cnc http --json http://192.0.2.1:8080/health")]
pub struct HttpArgs {
    /// An HTTP or HTTPS address
    pub url: String,
    /// Trust the certificate authority in this PEM file as well
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    #[command(flatten)]
    family: FamilyArgs,
    /// How results are written.
    #[command(flatten)]
    pub output: OutputArgs,
}

impl MtuArgs {
    /// Gives the test that was asked for.
    #[must_use]
    pub fn test(&self) -> MtuTest {
        MtuTest { destination: Destination::Host(self.host.clone()), family: self.family.into() }
    }
}

impl DnsArgs {
    /// Gives the test that was asked for.
    ///
    /// # Errors
    /// Says why it makes no sense.
    pub fn test(&self) -> Result<DnsTest, InvalidTest> {
        let test = DnsTest { name: self.name.clone(), server: self.server.clone().map(Destination::Host) };
        Test::Dns(test.clone()).checked()?;
        Ok(test)
    }
}

impl HttpArgs {
    /// Gives the test that was asked for.
    ///
    /// # Errors
    /// Says why it makes no sense.
    pub fn test(&self) -> Result<HttpTest, InvalidTest> {
        let test = HttpTest { url: self.url.clone(), family: self.family.into() };
        Test::Http(test.clone()).checked()?;
        Ok(test)
    }
}
