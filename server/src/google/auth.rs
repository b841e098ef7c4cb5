//! Where tokens come from: a service account's key, the application default, or the metadata server.
//!
//! It holds no secret longer than the library does, and never shows one.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use yup_oauth2::authenticator::{ApplicationDefaultCredentialsTypes, Authenticator};
use yup_oauth2::error::{AuthErrorCode, SendError};
use yup_oauth2::{
    ApplicationDefaultCredentialsAuthenticator, ApplicationDefaultCredentialsFlowOpts, AuthorizedUserAuthenticator,
    DefaultHyperClientBuilder, HyperClientBuilder, ServiceAccountAuthenticator,
};

use super::{Credentials, Google, GoogleError, Kind};

/// What is told as tried.
const WHAT: &str = "get a token from Google";
/// A token's answer is a few hundred bytes: what takes longer will not come.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(20);
/// The variable that names a file of credentials, as all of Google's programs read it.
const CREDENTIALS_VARIABLE: &str = "GOOGLE_APPLICATION_CREDENTIALS";

type Connector = <DefaultHyperClientBuilder as HyperClientBuilder>::Connector;

/// Gives tokens for some scopes, and keeps each for as long as it is good. Cloning it gives the same source.
#[derive(Clone)]
pub struct Tokens {
    source: Authenticator<Connector>,
    scopes: Vec<String>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Opens the source that the settings name. Nothing is asked for yet, except where the metadata server is looked for.
    ///
    /// # Errors
    /// Says what is wrong with the credentials.
    pub async fn open(google: &Google, scopes: &[&str]) -> Result<Self, GoogleError> {
        let source = match &google.credentials {
            Credentials::File(path) => from_file(path).await?,
            Credentials::Metadata => metadata(google).await?,
            Credentials::Default => match default_file() {
                Some(path) => from_file(&path).await?,
                None => metadata(google).await?,
            },
        };
        Ok(Self { source, scopes: scopes.iter().map(|&scope| scope.to_owned()).collect() })
    }

    /// Gives a token that is good for another minute at the least.
    ///
    /// # Errors
    /// Says why there is none.
    pub async fn token(&self) -> Result<String, GoogleError> {
        self.ask().await.map_err(|error| told(&error))
    }

    /// Gives a token, or the library's own error.
    pub(super) async fn ask(&self) -> Result<String, yup_oauth2::Error> {
        // Liveness: an answer that stops half way would be waited for without end.
        let asked = tokio::time::timeout(TOKEN_TIMEOUT, self.source.token(&self.scopes)).await;
        let token = asked.unwrap_or(Err(SendError::Timeout.into()))?;
        token.token().map(str::to_owned).ok_or(yup_oauth2::Error::MissingAccessToken)
    }
}

/// What says of a file of credentials how it is to be read.
#[derive(Deserialize)]
struct FileKind {
    #[serde(rename = "type")]
    kind: String,
}

async fn from_file(path: &Path) -> Result<Authenticator<Connector>, GoogleError> {
    let unusable = |why: String| GoogleError::new(Kind::Key, format!("use the credentials in {}", path.display()), why);
    let text = tokio::fs::read_to_string(path).await.map_err(|error| unusable(error.to_string()))?;
    let broken = |_| unusable("it is no JSON file of credentials".into());
    let FileKind { kind } = serde_json::from_str(&text).map_err(broken)?;
    let client = || DefaultHyperClientBuilder::default().with_timeout(TOKEN_TIMEOUT);
    let built = match kind.as_str() {
        "service_account" => {
            let key = yup_oauth2::parse_service_account_key(&text).map_err(|error| unusable(error.to_string()))?;
            ServiceAccountAuthenticator::with_client(key, client()).build().await
        }
        "authorized_user" => {
            let secret = serde_json::from_str(&text).map_err(broken)?;
            AuthorizedUserAuthenticator::with_client(secret, client()).build().await
        }
        other => Err(std::io::Error::other(format!(
            "it is of type {other:?}; what can be used are \"service_account\" and \"authorized_user\""
        ))),
    };
    built.map_err(|error| unusable(error.to_string()))
}

async fn metadata(google: &Google) -> Result<Authenticator<Connector>, GoogleError> {
    let options = ApplicationDefaultCredentialsFlowOpts { metadata_url: Some(google.endpoints.metadata.clone()) };
    let client = DefaultHyperClientBuilder::default().with_timeout(TOKEN_TIMEOUT);
    let told = |error: std::io::Error| GoogleError::new(Kind::Key, WHAT, error);
    match ApplicationDefaultCredentialsAuthenticator::with_client(options, client).await {
        ApplicationDefaultCredentialsTypes::InstanceMetadata(builder) => builder.build().await.map_err(told),
        // Where the variable names a file the library takes that; here the metadata server was asked for by name.
        ApplicationDefaultCredentialsTypes::ServiceAccount(builder) => builder.build().await.map_err(told),
    }
}

/// Finds the file of the application default.
fn default_file() -> Option<PathBuf> {
    if let Some(named) = env::var_os(CREDENTIALS_VARIABLE) {
        return Some(named.into());
    }
    let folder = env::var_os("CLOUDSDK_CONFIG").map(PathBuf::from);
    let folder = folder.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".config/gcloud")))?;
    Some(folder.join("application_default_credentials.json")).filter(|file| file.is_file())
}

/// Tells why there is no token.
pub(crate) fn told(error: &yup_oauth2::Error) -> GoogleError {
    use yup_oauth2::Error;
    let kind = match error {
        Error::AuthError(refused) => {
            let said = refused.error_description.as_deref().unwrap_or_default();
            // Google's words for a request of another hour.
            let early_or_late = said.contains("reasonable timeframe") || said.contains("iat and exp");
            match &refused.error {
                AuthErrorCode::InvalidGrant if early_or_late => Kind::Clock,
                AuthErrorCode::Other(code) if is_passing(code) => Kind::Outage,
                AuthErrorCode::InvalidRequest
                | AuthErrorCode::InvalidClient
                | AuthErrorCode::InvalidGrant
                | AuthErrorCode::UnauthorizedClient
                | AuthErrorCode::UnsupportedGrantType
                | AuthErrorCode::InvalidScope
                | AuthErrorCode::AccessDenied
                | AuthErrorCode::ExpiredToken
                | AuthErrorCode::Other(_) => Kind::Key,
            }
        }
        Error::UserError(_) | Error::CredentialSourceError(_) => Kind::Key,
        Error::HttpError(_)
        | Error::HttpClientError(SendError::Timeout | SendError::Hyper(_))
        | Error::JSONError(_)
        | Error::LowLevelError(_)
        | Error::MissingAccessToken
        | Error::StorageError(_) => Kind::Outage,
    };
    GoogleError::new(kind, WHAT, super::error::innermost(error))
}

/// Tells whether a token server says that it cannot now.
fn is_passing(code: &str) -> bool {
    ["internal_failure", "temporarily_unavailable", "server_error", "rate_limit_exceeded"].contains(&code)
}
