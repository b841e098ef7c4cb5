//! The tables and views in BigQuery: made, and widened by columns that may be empty. Nothing is ever taken away.

use cnc_model::SessionId;
use gcp_bigquery_client::model::clustering::Clustering;
use gcp_bigquery_client::model::field_type::FieldType;
use gcp_bigquery_client::model::table::Table;
use gcp_bigquery_client::model::table_field_schema::TableFieldSchema;
use gcp_bigquery_client::model::table_schema::TableSchema;
use gcp_bigquery_client::model::time_partitioning::TimePartitioning;

use super::views;
use crate::google::{BigQuery, GoogleError, Kind};
use crate::store::{Column, ExportKind, Holds, Range};

/// What was done about one table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its name.
    pub name: String,
    /// What was done, in words.
    pub what: String,
}

/// Makes what is missing, and adds the columns that are.
///
/// # Errors
/// Says what cannot be made, and why.
pub async fn setup(bigquery: &BigQuery, create_dataset: bool) -> Result<Vec<Made>, GoogleError> {
    let mut made = Vec::new();
    let mut note = |name: &str, what: String| made.push(Made { name: name.into(), what });
    if !bigquery.has_dataset().await? {
        if !create_dataset {
            let what = format!("use dataset {}", bigquery.place());
            let said = "the dataset is not there: say --create-dataset to make it, or correct google.dataset";
            return Err(GoogleError::new(Kind::NotFound, what, said));
        }
        bigquery.create_dataset().await?;
        note(bigquery.dataset(), "dataset made".into());
    }
    for kind in ExportKind::ALL {
        note(kind.word(), table(bigquery, kind).await?);
    }
    for (name, sql, description) in views::all(bigquery) {
        note(name, view(bigquery, name, &sql, description).await?);
    }
    Ok(made)
}

async fn table(bigquery: &BigQuery, kind: ExportKind) -> Result<String, GoogleError> {
    let Some(there) = bigquery.table(kind.word()).await? else {
        bigquery.create_table(definition(bigquery, kind, kind.word())).await?;
        return Ok("table made".into());
    };
    let mut fields = there.schema.fields.unwrap_or_default();
    let missing = missing(kind, &fields)?;
    if missing.is_empty() {
        return Ok("table as it should be".into());
    }
    // What is added to a table that has rows may be empty.
    let names = missing.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
    fields.extend(missing.into_iter().map(|column| field(&Column { required: false, ..*column })));
    let widened = Table::new(bigquery.project(), bigquery.dataset(), kind.word(), TableSchema::new(fields));
    bigquery.patch_table(widened).await?;
    Ok(format!("table widened by {names}"))
}

/// Gives the columns that a table lacks; one of another type is a fault that only people can mend.
pub(super) fn missing(kind: ExportKind, fields: &[TableFieldSchema]) -> Result<Vec<&'static Column>, GoogleError> {
    let mut missing = Vec::new();
    for column in kind.table().columns {
        match fields.iter().find(|field| field.name.eq_ignore_ascii_case(column.name)) {
            None => missing.push(column),
            Some(field) if type_name(&field.r#type) == type_name(&field_type(column.holds)) => {}
            Some(field) => {
                let what = format!("write column {} of table {}", column.name, kind.word());
                let said = format!(
                    "it is {}, and must be {}: rename the table, and let setup make it anew",
                    type_name(&field.r#type),
                    type_name(&field_type(column.holds))
                );
                return Err(GoogleError::new(Kind::Schema, what, said));
            }
        }
    }
    Ok(missing)
}

/// Gives a type's name, where BigQuery has two the one that it answers with.
fn type_name(kind: &FieldType) -> String {
    let name = serde_json::to_value(kind).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
    match name.as_str() {
        "INT64" => "INTEGER".into(),
        "FLOAT64" => "FLOAT".into(),
        "BOOL" => "BOOLEAN".into(),
        _ => name,
    }
}

/// Gives a table as it is made, under its name or another.
pub(super) fn definition(bigquery: &BigQuery, kind: ExportKind, name: &str) -> Table {
    let table = kind.table();
    let fields = table.columns.iter().map(field).collect();
    let clustering = Clustering { fields: Some(table.cluster.iter().map(|&column| column.to_owned()).collect()) };
    Table::new(bigquery.project(), bigquery.dataset(), name, TableSchema::new(fields))
        .description(table.description)
        .time_partitioning(TimePartitioning::per_day().field(table.partition))
        .clustering(clustering)
}

fn field(column: &Column) -> TableFieldSchema {
    let mode = if column.required { "REQUIRED" } else { "NULLABLE" };
    TableFieldSchema {
        description: Some(column.description.into()),
        mode: Some(mode.into()),
        ..TableFieldSchema::new(column.name, field_type(column.holds))
    }
}

const fn field_type(holds: Holds) -> FieldType {
    match holds {
        Holds::Text | Holds::Protocol => FieldType::String,
        Holds::Integer => FieldType::Integer,
        Holds::Real => FieldType::Float,
        Holds::Flag => FieldType::Boolean,
        Holds::Time => FieldType::Timestamp,
        Holds::Bytes => FieldType::Bytes,
    }
}

/// Makes a view, or makes it anew: it holds nothing that could be lost.
async fn view(bigquery: &BigQuery, name: &str, sql: &str, description: &str) -> Result<String, GoogleError> {
    let view = bigquery.named(name);
    let statement = format!("CREATE OR REPLACE VIEW {view} OPTIONS(description='{description}') AS {sql}");
    bigquery.query(&format!("make view {name}"), statement).await.map(|_| "view as it should be".into())
}

/// Gives the statement that counts one row.
pub(super) fn count_row(bigquery: &BigQuery, kind: ExportKind, range: &Range, number: i64) -> String {
    let table = bigquery.named(kind.word());
    let Range { session, item, .. } = range;
    let which = match kind {
        ExportKind::Samples => format!("sequence = {number}"),
        ExportKind::Sessions => format!("version = {number}"),
        ExportKind::Tests => format!("test_id = {item} AND version = {number}"),
        ExportKind::Findings => format!("finding_id = {item} AND version = {number}"),
    };
    format!("SELECT COUNT(*) FROM {table} WHERE session_id = '{session}' AND {which}")
}

/// Gives the statement that counts the rows of sessions in a table of a place, and the one that removes them.
pub(super) fn rows_of(place: &str, kind: ExportKind, sessions: &[SessionId]) -> [String; 2] {
    let ids = sessions.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(", ");
    let which = format!("FROM `{place}.{}` WHERE session_id IN ({ids})", kind.word());
    [format!("SELECT session_id, COUNT(*) {which} GROUP BY session_id"), format!("DELETE {which}")]
}
