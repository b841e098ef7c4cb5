//! The settings of the `[google]` table as plain values. Reading them from a file is `crate::config`'s.

use std::path::PathBuf;

/// Where BigQuery's REST interface is.
pub const BIGQUERY_ENDPOINT: &str = "https://bigquery.googleapis.com/bigquery/v2";
/// Where BigQuery's Storage Write interface is.
pub const STORAGE_ENDPOINT: &str = "https://bigquerystorage.googleapis.com";
/// Where Drive is.
pub const DRIVE_ENDPOINT: &str = "https://www.googleapis.com";
/// Where Google's machines get their own tokens.
pub const METADATA_ENDPOINT: &str =
    "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token";

/// The project, who the listener is in it, and what is used there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Google {
    /// The project's id.
    pub project: String,
    /// Who the listener is.
    pub credentials: Credentials,
    /// The BigQuery dataset that history goes to; `None` where it stays in the local store alone.
    pub dataset: Option<String>,
    /// The Drive folder that reports go to; `None` where they stay in the data folder alone.
    pub folder: Option<String>,
    /// Where BigQuery keeps and computes, like `EU`; needed where a dataset is to be made.
    pub location: Option<String>,
    /// The most bytes that an answer of history may be charged as, where BigQuery gives it; `None` where the record does.
    pub history_max_bytes: Option<u64>,
    /// Where the services are.
    pub endpoints: Endpoints,
}

impl Google {
    /// Gives a dataset of the project as queries name it.
    #[must_use]
    pub fn place(&self, dataset: &str) -> String {
        format!("{}.{dataset}", self.project)
    }
}

/// Who the listener is to Google.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// The application default: `GOOGLE_APPLICATION_CREDENTIALS`, else gcloud's own file, else the metadata server.
    Default,
    /// The service account of the machine at Google's that this runs on.
    Metadata,
    /// A service account's key.
    File(PathBuf),
}

/// Where the services are; only tests and private endpoints have others than the public ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// BigQuery's REST interface, up to its version.
    pub bigquery: String,
    /// BigQuery's Storage Write interface.
    pub storage: String,
    /// Drive, without `/drive/v3`.
    pub drive: String,
    /// The metadata server's answer for a token.
    pub metadata: String,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            bigquery: BIGQUERY_ENDPOINT.into(),
            storage: STORAGE_ENDPOINT.into(),
            drive: DRIVE_ENDPOINT.into(),
            metadata: METADATA_ENDPOINT.into(),
        }
    }
}
