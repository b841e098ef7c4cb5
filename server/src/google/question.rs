//! Questions to BigQuery: statements that only read, with their parameters beside the text and a bound on what each may
//! be charged as.

use cnc_model::Timestamp;
use gcp_bigquery_client::model::query_parameter::QueryParameter;
use gcp_bigquery_client::model::query_parameter_type::QueryParameterType;
use gcp_bigquery_client::model::query_parameter_value::QueryParameterValue;
use gcp_bigquery_client::model::query_request::QueryRequest;

use super::{Answer, BigQuery, GoogleError, Kind};

/// A statement that only reads.
#[derive(Debug, Clone)]
pub struct Question {
    what: &'static str,
    sql: String,
    parameters: Vec<QueryParameter>,
    most_billed_bytes: u64,
}

/// What a question brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// The rows, each cell as a text; `None` where it is `NULL`.
    pub rows: Vec<Vec<Option<String>>>,
    /// What it is charged as; `None` where BigQuery did not tell.
    pub billed_bytes: Option<u64>,
}

impl Question {
    /// Makes one that is refused, and costs nothing, where it would be charged as more than so many bytes.
    #[must_use]
    pub const fn new(what: &'static str, sql: String, most_billed_bytes: u64) -> Self {
        Self { what, sql, parameters: Vec::new(), most_billed_bytes }
    }

    /// Gives a text for `@name`.
    #[must_use]
    pub fn text(self, name: &'static str, value: impl Into<String>) -> Self {
        self.with(name, scalar("STRING"), single(value.into()))
    }

    /// Gives a whole number for `@name`.
    #[must_use]
    pub fn whole(self, name: &'static str, value: i64) -> Self {
        self.with(name, scalar("INT64"), single(value.to_string()))
    }

    /// Gives a moment for `@name`.
    #[must_use]
    pub fn moment(self, name: &'static str, at: Timestamp) -> Self {
        self.with(name, scalar("TIMESTAMP"), single(at.to_string()))
    }

    /// Gives texts for `@name`.
    #[must_use]
    pub fn texts(self, name: &'static str, values: impl IntoIterator<Item = String>) -> Self {
        let of = QueryParameterType { array_type: Some(Box::new(scalar("STRING"))), ..scalar("ARRAY") };
        let values = Some(values.into_iter().map(single).collect());
        self.with(name, of, QueryParameterValue { array_values: values, ..QueryParameterValue::default() })
    }

    fn with(mut self, name: &'static str, of: QueryParameterType, value: QueryParameterValue) -> Self {
        self.parameters.push(QueryParameter {
            name: Some(name.into()),
            parameter_type: Some(of),
            parameter_value: Some(value),
        });
        self
    }
}

fn scalar(name: &str) -> QueryParameterType {
    QueryParameterType { r#type: name.into(), ..QueryParameterType::default() }
}

fn single(value: String) -> QueryParameterValue {
    QueryParameterValue { value: Some(value), ..QueryParameterValue::default() }
}

impl BigQuery {
    /// Asks, and waits for the whole answer.
    ///
    /// # Errors
    /// Says what was to be read and why it was not.
    pub async fn ask(&self, question: Question) -> Result<Reply, GoogleError> {
        let Question { what, sql, parameters, most_billed_bytes } = question;
        let request = QueryRequest {
            parameter_mode: Some("NAMED".into()),
            query_parameters: Some(parameters),
            maximum_bytes_billed: Some(most_billed_bytes.to_string()),
            ..self.request(sql)
        };
        let answer = self.run(what, request).await?;
        if answer.page_token.is_some() {
            return Err(GoogleError::new(Kind::Invalid, what, "the answer is longer than one page"));
        }
        let billed_bytes = match &answer.job_reference {
            // What it remembered from the last time it does not charge for.
            _ if answer.cache_hit == Some(true) => Some(0),
            Some(job) => self.billed_bytes(job).await,
            None => None,
        };
        Ok(Reply { rows: Answer::of(answer).rows, billed_bytes })
    }
}
