//! `google check` and `bigquery setup`: what is done with Google by hand, before or beside a running listener.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json as object;

use super::{CliError, output};
use crate::config::Config;
use crate::export;
use crate::google::check::{self, Checked, Verdict};
use crate::google::{BIGQUERY_SCOPE, BigQuery, Google, GoogleError, Tokens};

#[derive(Debug, Subcommand)]
pub(super) enum GoogleCommand {
    /// Try each right that the listener needs at Google, and name those that are missing
    #[command(after_help = "Example: cnc-listener google check --config listener.toml")]
    Check(Where),
}

#[derive(Debug, Subcommand)]
pub(super) enum BigQueryCommand {
    /// Make the tables and views, or add what they lack; nothing is ever taken away
    #[command(after_help = "Example: cnc-listener bigquery setup --config listener.toml")]
    Setup {
        #[command(flatten)]
        place: Where,
        /// Make the dataset, too, where it is missing
        #[arg(long)]
        create_dataset: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct Where {
    /// The configuration file with its [google] table
    #[arg(long, env = "CNC_CONFIG")]
    config: Option<PathBuf>,
    /// One JSON object a line, for scripts
    #[arg(long)]
    json: bool,
}

impl Where {
    fn google(&self) -> Result<Google, CliError> {
        let config = match &self.config {
            Some(file) => Config::read(file)?,
            None => Config::default(),
        };
        config.google.ok_or_else(|| {
            CliError::Usage(
                "nothing of Google's is configured: write a [google] table with project, dataset or folder into \
                 the configuration file, and give that by --config; docs/google.md and docs/drive.md tell how"
                    .into(),
            )
        })
    }
}

pub(super) async fn google(command: GoogleCommand) -> Result<(), CliError> {
    let GoogleCommand::Check(place) = command;
    let checked = check::run(&place.google()?).await;
    let mut missing = 0;
    for Checked { right, verdict } in &checked {
        let (word, told) = match verdict {
            Verdict::Granted => ("ok", None),
            Verdict::Refused(error) => ("NO", Some(error)),
            Verdict::NotTried => ("--", None),
        };
        missing += usize::from(matches!(verdict, Verdict::Refused(_)));
        if place.json {
            let verdict = match verdict {
                Verdict::Granted => "granted",
                Verdict::Refused(_) => "refused",
                Verdict::NotTried => "not_tried",
            };
            let line = object!({
                "type": "right", "what": right.what, "permission": right.permission, "role": right.role,
                "verdict": verdict, "kind": told.map(|error| error.kind.word()), "message": told.map(ToString::to_string),
            });
            output::line(&line.to_string());
            continue;
        }
        output::line(&format!("{word}  {} ({})", right.what, right.permission));
        if let Some(error) = told {
            output::line(&format!("    {error}"));
            output::line(&format!("    granted by: {}", right.role));
        }
    }
    if checked.is_empty() {
        let nothing =
            "[google] names nothing to use: set dataset for the history in BigQuery, or folder for documents in Drive";
        return Err(CliError::Usage(nothing.into()));
    }
    if missing == 0 {
        Ok(())
    } else {
        Err(CliError::Google("not all that is needed is permitted, as told above".into()))
    }
}

pub(super) async fn bigquery(command: BigQueryCommand) -> Result<(), CliError> {
    let BigQueryCommand::Setup { place, create_dataset } = command;
    let google = place.google()?;
    let Some(dataset) = &google.dataset else {
        return Err(CliError::Usage("[google] has no dataset: set dataset = \"…\", where the tables are to be".into()));
    };
    let told = |error: GoogleError| CliError::Google(error.to_string());
    let tokens = Tokens::open(&google, &[BIGQUERY_SCOPE]).await.map_err(told)?;
    let bigquery = BigQuery::open(&google, dataset, tokens).await.map_err(told)?;
    for export::Made { name, what } in export::setup(&bigquery, create_dataset).await.map_err(told)? {
        if place.json {
            output::line(&object!({ "type": "made", "name": name, "what": what }).to_string());
        } else {
            output::line(&format!("{name}: {what}"));
        }
    }
    Ok(())
}
