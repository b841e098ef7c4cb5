//! Reaching a running listener as staff: its address, the token, the channel.
#![expect(clippy::doc_markdown, reason = "these docs are the help text, where backticks would show")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use cnc_proto::v1::support_client::SupportClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

use super::CliError;
use crate::config::DEFAULT_PORT;
use crate::staff::FIRST_TOKEN_FILE;

/// How long reaching the listener may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How often an idle stream is asked whether the listener is there, as a watch may be silent for long.
const PING_EVERY: Duration = Duration::from_secs(10);
/// The largest answer taken: a page of samples, or a session with its most tests.
const MAX_ANSWER: usize = 64 << 20;

/// Which listener, and as whom.
#[derive(Debug, Clone, Args)]
pub(super) struct ConnectArguments {
    /// The listener [default: http://127.0.0.1:7443]
    #[arg(long, env = "CNC_LISTENER", value_name = "URL", global = true)]
    listener: Option<String>,
    /// A file that holds a staff token; else CNC_TOKEN, else ./cnc-data/admin.token
    #[arg(long, value_name = "FILE", global = true)]
    token_file: Option<PathBuf>,
    /// A CA to trust beside the system's, a PEM file
    #[arg(long, value_name = "FILE", global = true)]
    ca: Option<PathBuf>,
    /// One JSON object a line, for scripts
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// The client of `cnc.v1.Support` that carries the token.
pub(super) type Support = SupportClient<InterceptedService<Channel, Bearer>>;

/// Adds the token to each call.
#[derive(Clone)]
pub(super) struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(header) = &self.0 {
            request.metadata_mut().insert("authorization", header.clone());
        }
        Ok(request)
    }
}

/// A listener that answers.
pub(super) struct Connected {
    pub(super) channel: Channel,
    pub(super) token: Option<String>,
    bearer: Bearer,
}

impl Connected {
    pub(super) fn support(&self) -> Support {
        SupportClient::with_interceptor(self.channel.clone(), self.bearer.clone()).max_decoding_message_size(MAX_ANSWER)
    }
}

impl ConnectArguments {
    pub(super) async fn connect(&self) -> Result<Connected, CliError> {
        let url = self.listener.clone().unwrap_or_else(|| format!("http://127.0.0.1:{DEFAULT_PORT}"));
        let url = if url.contains("://") { url } else { format!("https://{url}") };
        let token = self.token()?;
        let header = token.as_ref().map(|token| format!("Bearer {token}").parse());
        let unfit = |_| CliError::Usage("the token holds characters that no token has".into());
        let mut header: Option<MetadataValue<Ascii>> = header.transpose().map_err(unfit)?;
        if let Some(header) = &mut header {
            header.set_sensitive(true);
        }
        let endpoint = self.endpoint(&url)?;
        let unreachable = |error| CliError::Unreachable { url: url.clone(), why: innermost(&error) };
        let channel = endpoint.connect().await.map_err(unreachable)?;
        Ok(Connected { channel, token, bearer: Bearer(header) })
    }

    fn endpoint(&self, url: &str) -> Result<Endpoint, CliError> {
        let wrong = |error: tonic::transport::Error| CliError::Usage(format!("{url}: {}", innermost(&error)));
        let endpoint = Endpoint::from_shared(url.to_owned())
            .map_err(wrong)?
            .connect_timeout(CONNECT_WITHIN)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_EVERY);
        if !url.starts_with("https://") {
            return Ok(endpoint);
        }
        let mut tls = ClientTlsConfig::new().with_enabled_roots();
        if let Some(ca) = &self.ca {
            tls = tls.ca_certificate(Certificate::from_pem(read(ca)?));
        }
        endpoint.tls_config(tls).map_err(wrong)
    }

    fn token(&self) -> Result<Option<String>, CliError> {
        if let Some(file) = &self.token_file {
            return read(file).map(|text| Some(text.trim().to_owned()));
        }
        if let Ok(token) = std::env::var("CNC_TOKEN") {
            return Ok(Some(token.trim().to_owned()));
        }
        let own = Path::new("cnc-data").join(FIRST_TOKEN_FILE);
        if own.exists() { read(&own).map(|text| Some(text.trim().to_owned())) } else { Ok(None) }
    }
}

fn read(path: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(path).map_err(|source| CliError::File { path: path.to_owned(), source })
}

/// Says what would help against a failure to connect. The library tells causes by words only.
pub(super) fn hint(why: &str) -> &'static str {
    let known = [
        ("InvalidContentType", "what answers there speaks no TLS: use http:// if that is meant"),
        ("UnknownIssuer", "its certificate is signed by nobody that is trusted here: give its CA by --ca"),
        ("CaUsedAsEndEntity", "its certificate is a CA's own: the listener wants one that the CA has signed"),
        ("not valid for name", "its certificate is for another name: use that name in --listener"),
        ("Expired", "its certificate is no longer valid: the operator must renew it"),
        ("NotValidYet", "its certificate is not valid yet: is this machine's clock right?"),
    ];
    let hint = known.iter().find(|(word, _)| why.contains(word)).map(|(_, hint)| *hint);
    hint.unwrap_or("is it running, and is --listener right?")
}

/// Gives what is really wrong: the last cause, which says more than "transport error".
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
