//! BigQuery by its REST interface: tables and queries, each with a limit of time and each refusal told.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use gcp_bigquery_client::Client;
use gcp_bigquery_client::auth::Authenticator;
use gcp_bigquery_client::client_builder::ClientBuilder;
use gcp_bigquery_client::error::BQError;
use gcp_bigquery_client::model::dataset::Dataset;
use gcp_bigquery_client::model::job_reference::JobReference;
use gcp_bigquery_client::model::query_request::QueryRequest;
use gcp_bigquery_client::model::query_response::QueryResponse;
use gcp_bigquery_client::model::table::Table;
use gcp_bigquery_client::model::table_cell::TableCell;
use gcp_bigquery_client::model::table_row::TableRow;
use gcp_bigquery_client::model::table_schema::TableSchema;

use super::{Google, GoogleError, Kind, Tokens};

/// What a token for BigQuery must be good for.
pub const SCOPE: &str = "https://www.googleapis.com/auth/bigquery";
/// No answer takes longer, but those of queries.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long BigQuery itself works on a query before it says that it is not done; what takes longer is tried again.
const QUERY_MS: i32 = 60_000;
/// How long a query's answer is waited for: its own time and the way.
const QUERY_TIMEOUT: Duration = Duration::from_secs(75);

/// The dataset of a project, spoken to by REST.
#[derive(Clone)]
pub struct BigQuery {
    client: Client,
    google: Google,
    dataset: String,
}

impl std::fmt::Debug for BigQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BigQuery").field("place", &self.place()).finish_non_exhaustive()
    }
}

impl BigQuery {
    /// Makes a client. Nothing is asked for yet.
    ///
    /// # Errors
    /// Says why there is none.
    pub async fn open(google: &Google, dataset: &str, tokens: Tokens) -> Result<Self, GoogleError> {
        let client = ClientBuilder::new()
            .with_v2_base_url(google.endpoints.bigquery.clone())
            .build_from_authenticator(Arc::new(Bearer(tokens)))
            .await
            .map_err(|error| GoogleError::of_rest("speak to BigQuery", &error))?;
        Ok(Self { client, google: google.clone(), dataset: dataset.to_owned() })
    }

    /// Gives project and dataset as queries name them.
    #[must_use]
    pub fn place(&self) -> String {
        self.google.place(&self.dataset)
    }

    /// Gives the same for statements about another place, which may lie in another part of the world: BigQuery finds out
    /// where by the tables that they name.
    #[must_use]
    pub fn anywhere(&self) -> Self {
        Self { google: Google { location: None, ..self.google.clone() }, ..self.clone() }
    }

    /// Gives a table as queries name it.
    #[must_use]
    pub fn named(&self, table: &str) -> String {
        format!("`{}.{table}`", self.place())
    }

    /// Gives the project's id.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.google.project
    }

    /// Gives the dataset's name.
    #[must_use]
    pub fn dataset(&self) -> &str {
        &self.dataset
    }

    /// Tells whether the dataset is there.
    ///
    /// # Errors
    /// Says why that cannot be told.
    pub async fn has_dataset(&self) -> Result<bool, GoogleError> {
        let what = format!("look at dataset {}", self.place());
        let asked =
            within(ANSWER_TIMEOUT, &what, Box::pin(self.client.dataset().get(self.project(), &self.dataset))).await;
        present(asked).map(|there| there.is_some())
    }

    /// Makes the dataset, where the settings say that it lies.
    ///
    /// # Errors
    /// Says why it cannot be made.
    pub async fn create_dataset(&self) -> Result<(), GoogleError> {
        let what = format!("make dataset {}", self.place());
        let mut dataset = Dataset::new(self.project(), &self.dataset);
        dataset.location.clone_from(&self.google.location);
        within(ANSWER_TIMEOUT, &what, Box::pin(self.client.dataset().create(dataset))).await.map(drop)
    }

    /// Reads a table's definition; `None` when there is none.
    ///
    /// # Errors
    /// Says why it cannot be read.
    pub async fn table(&self, name: &str) -> Result<Option<Table>, GoogleError> {
        let what = format!("look at {}", self.named(name));
        let asked = self.client.table().get(self.project(), &self.dataset, name, None);
        present(within(ANSWER_TIMEOUT, &what, Box::pin(asked)).await)
    }

    /// Makes a table or view.
    ///
    /// # Errors
    /// Says why it cannot be made.
    pub async fn create_table(&self, table: Table) -> Result<(), GoogleError> {
        let what = format!("make {}", self.named(table.table_id()));
        within(ANSWER_TIMEOUT, &what, Box::pin(self.client.table().create(table))).await.map(drop)
    }

    /// Changes a table or view.
    ///
    /// # Errors
    /// Says why it cannot be changed.
    pub async fn patch_table(&self, table: Table) -> Result<(), GoogleError> {
        let name = table.table_id().clone();
        let what = format!("change {}", self.named(&name));
        let asked = self.client.table().patch(self.project(), &self.dataset, &name, table);
        within(ANSWER_TIMEOUT, &what, Box::pin(asked)).await.map(drop)
    }

    /// Removes a table; one that is not there is removed.
    ///
    /// # Errors
    /// Says why it cannot be removed.
    pub async fn delete_table(&self, name: &str) -> Result<(), GoogleError> {
        let what = format!("remove {}", self.named(name));
        let asked = self.client.table().delete(self.project(), &self.dataset, name);
        present(within(ANSWER_TIMEOUT, &what, Box::pin(asked)).await).map(drop)
    }

    /// Runs a statement of standard SQL and waits for it.
    ///
    /// # Errors
    /// Says what was to be done and why it was not, or not yet.
    pub async fn query(&self, what: &str, sql: impl Into<String>) -> Result<Answer, GoogleError> {
        self.run(what, self.request(sql)).await.map(Answer::of)
    }

    pub(super) fn request(&self, sql: impl Into<String>) -> QueryRequest {
        QueryRequest {
            use_legacy_sql: false,
            timeout_ms: Some(QUERY_MS),
            location: self.google.location.clone(),
            ..QueryRequest::new(sql)
        }
    }

    pub(super) async fn run(&self, what: &str, request: QueryRequest) -> Result<QueryResponse, GoogleError> {
        let answer = within(QUERY_TIMEOUT, what, Box::pin(self.client.job().query(self.project(), request))).await?;
        if !answer.job_complete.unwrap_or(false) {
            return Err(GoogleError::new(
                Kind::Outage,
                what,
                "the query is not done within a minute; BigQuery may go on with it, and charge it",
            ));
        }
        // An answer with columns or changed rows has only been warned.
        let columns = answer.schema.as_ref().map_or(0, TableSchema::field_count);
        match answer.errors.as_ref().and_then(|errors| errors.first()) {
            Some(error) if columns == 0 && answer.num_dml_affected_rows.is_none() => {
                let (reason, message) = (error.reason.as_deref(), error.message.as_deref());
                Err(GoogleError::of_query(what, reason.unwrap_or_default(), message.unwrap_or_default()))
            }
            Some(_) | None => Ok(answer),
        }
    }

    /// Gives what a query is charged as, which its answer does not say; `None` where that cannot be told now.
    pub(super) async fn billed_bytes(&self, job: &JobReference) -> Option<u64> {
        let id = job.job_id.as_deref()?;
        let asked = self.client.job().get_job(self.project(), id, job.location.as_deref());
        let told = match within(ANSWER_TIMEOUT, "see what a query is charged as", Box::pin(asked)).await {
            Ok(job) => job.statistics?.query?.total_bytes_billed?,
            Err(error) => {
                tracing::info!("{error}");
                return None;
            }
        };
        told.parse().ok()
    }
}

/// What a statement brought: the first page of its rows, and what it took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The rows, each cell as a text; `None` where it is `NULL` or no single value.
    pub rows: Vec<Vec<Option<String>>>,
    /// How many bytes were looked at.
    pub processed_bytes: Option<u64>,
}

impl Answer {
    pub(super) fn of(answer: QueryResponse) -> Self {
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok());
        let text = |cell: TableCell| match cell.value {
            Some(serde_json::Value::String(text)) => Some(text),
            Some(_) | None => None,
        };
        let row = |row: TableRow| row.columns.unwrap_or_default().into_iter().map(text).collect();
        Self {
            rows: answer.rows.unwrap_or_default().into_iter().map(row).collect(),
            processed_bytes: number(answer.total_bytes_processed),
        }
    }

    /// Gives the first column of the first row, where it is a number.
    #[must_use]
    pub fn first_number(&self) -> Option<u64> {
        self.rows.first()?.first()?.as_ref()?.parse().ok()
    }
}

/// Takes *not there* as an answer.
fn present<T>(asked: Result<T, GoogleError>) -> Result<Option<T>, GoogleError> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Waits for an answer; boxed by who asks, for the library's futures hold whole tables.
async fn within<T>(
    limit: Duration,
    what: &str,
    asked: impl Future<Output = Result<T, BQError>>,
) -> Result<T, GoogleError> {
    match tokio::time::timeout(limit, asked).await {
        Ok(answer) => answer.map_err(|error| GoogleError::of_rest(what, &error)),
        Err(_) => Err(GoogleError::new(Kind::Outage, what, format!("no answer within {} s", limit.as_secs()))),
    }
}

/// Tokens as the library asks for them.
#[derive(Clone)]
struct Bearer(Tokens);

impl Authenticator for Bearer {
    fn access_token<'own, 'waiting>(
        &'own self,
    ) -> Pin<Box<dyn Future<Output = Result<String, BQError>> + Send + 'waiting>>
    where
        'own: 'waiting,
        Self: 'waiting,
    {
        Box::pin(async { self.0.ask().await.map_err(BQError::YupAuthError) })
    }
}
