//! The rights that the export needs, each tried on a table of its own that is removed again.

use std::time::Duration;

use super::Tempo;
use super::sink::{Appended, Sink};
use super::tables::{definition, missing};
use crate::clock;
use crate::google::check::{Right, Trials};
use crate::google::{BigQuery, Google, GoogleError, Kind, Tokens};
use crate::secret;
use crate::store::ExportKind;

/// The definition that the table for trying is made by: the smallest.
const TRIED: ExportKind = ExportKind::Findings;
/// A new table is not known to all of BigQuery at once.
const WAITS: u32 = 10;
/// The pause before it is asked again.
const PAUSE: Duration = Duration::from_secs(2);

const EDITOR: &str = "roles/bigquery.dataEditor on the dataset";
const DATASET: Right = Right { what: "see the dataset", permission: "bigquery.datasets.get", role: EDITOR };
const CREATE: Right = Right { what: "make a table", permission: "bigquery.tables.create", role: EDITOR };
const STREAM: Right = Right { what: "append rows", permission: "bigquery.tables.updateData", role: EDITOR };
const QUERY: Right =
    Right { what: "run a query", permission: "bigquery.jobs.create", role: "roles/bigquery.jobUser on the project" };
const DELETE: Right = Right { what: "remove rows", permission: "bigquery.tables.updateData", role: EDITOR };
const DROP: Right = Right { what: "remove a table", permission: "bigquery.tables.delete", role: EDITOR };
const TABLES: Right =
    Right { what: "find the tables as they should be", permission: "bigquery.tables.get", role: EDITOR };

/// Tries what the export does.
pub async fn check(trials: &mut Trials, google: &Google, dataset: &str, tokens: Option<Tokens>) {
    let opened = match tokens {
        None => None,
        Some(tokens) => match open(google, dataset, tokens).await {
            Ok(opened) => Some(opened),
            Err(error) => {
                trials.try_one::<()>(DATASET, async { Err(error) }).await;
                None
            }
        },
    };
    let Some((bigquery, mut sink)) = opened else {
        for right in [DATASET, CREATE, STREAM, QUERY, DELETE, DROP, TABLES] {
            trials.not_tried(right);
        }
        return;
    };
    let name = format!("cnc_check_{:016x}", secret::random_u64());
    let seen = trials.try_one(DATASET, async {
        if bigquery.has_dataset().await? {
            return Ok(());
        }
        let said = "it is not there: `cnc-listener bigquery setup --create-dataset` makes it";
        Err(GoogleError::new(Kind::NotFound, format!("see dataset {}", bigquery.place()), said))
    });
    seen.await;
    let creating = Box::pin(bigquery.create_table(definition(&bigquery, TRIED, &name)));
    let made = trials.try_one(CREATE, creating).await;
    trials.try_one(STREAM, append(&mut sink, &name)).await;
    let table = bigquery.named(&name);
    let counting = format!("SELECT COUNT(*) FROM {table}");
    trials.try_one(QUERY, bigquery.query("run a query", counting)).await;
    trials.try_one(DELETE, remove_rows(&bigquery, &name)).await;
    if made.is_some() {
        // Done in any case: nothing is to be left behind.
        let dropped = bigquery.delete_table(&name).await;
        trials.try_one(DROP, async { dropped }).await;
    } else {
        trials.not_tried(DROP);
    }
    trials.try_one(TABLES, tables_are_there(&bigquery)).await;
}

async fn open(google: &Google, dataset: &str, tokens: Tokens) -> Result<(BigQuery, Sink), GoogleError> {
    let bigquery = BigQuery::open(google, dataset, tokens.clone()).await?;
    Ok((bigquery, Sink::open(google, dataset, tokens, Tempo::GATHERING.answer)?))
}

async fn append(sink: &mut Sink, table: &str) -> Result<(), GoogleError> {
    let mut tries = 0;
    loop {
        let stream = match sink.create_stream(table).await {
            Ok(stream) => stream,
            Err(error) if error.kind == Kind::NotFound && tries < WAITS => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Err(error) => return Err(error),
        };
        let row = super::encode::finding_for_check(clock::wall());
        return match sink.append(TRIED, &stream, 0, vec![row]).await? {
            Appended::New | Appended::Before => Ok(()),
            Appended::Refused(error) | Appended::Lost(error) => Err(error),
            Appended::Rows(errors) => {
                let said = errors.into_iter().map(|(_, said)| said).next().unwrap_or_default();
                Err(GoogleError::new(Kind::Invalid, "append a row", said))
            }
        };
    }
}

async fn remove_rows(bigquery: &BigQuery, table: &str) -> Result<(), GoogleError> {
    let sql = format!("DELETE FROM {} WHERE session_id = 'check'", bigquery.named(table));
    match bigquery.query("remove rows", sql).await {
        Ok(_) => Ok(()),
        // That it is too early is said to those who may.
        Err(error) if error.kind == Kind::Buffered => Ok(()),
        Err(error) => Err(error),
    }
}

async fn tables_are_there(bigquery: &BigQuery) -> Result<(), GoogleError> {
    for kind in ExportKind::ALL {
        let what = format!("use {}", bigquery.named(kind.word()));
        let Some(there) = bigquery.table(kind.word()).await? else {
            return Err(GoogleError::new(Kind::NotFound, what, "the table is not there"));
        };
        let fields = there.schema.fields.unwrap_or_default();
        if let Some(column) = missing(kind, &fields)?.first() {
            return Err(GoogleError::new(Kind::Schema, what, format!("column {} is not there", column.name)));
        }
    }
    Ok(())
}
