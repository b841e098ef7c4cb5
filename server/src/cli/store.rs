//! `store …`: looking after the record's file.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json as object;

use super::{CliError, output};
use crate::serve::STORE_FILE;
use crate::store::{self, Checked, StoreError};

#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Look the record over, page by page; a listener may be running meanwhile
    #[command(after_help = "Example: cnc-listener store check --data /var/lib/cnc")]
    Check {
        /// The data folder
        #[arg(long, env = "CNC_DATA", value_name = "DIR", default_value = "cnc-data")]
        data: PathBuf,
        /// One JSON object, for scripts
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(command: StoreCommand) -> Result<(), CliError> {
    let StoreCommand::Check { data, json } = command;
    let path = data.join(STORE_FILE);
    if !path.exists() {
        return Err(CliError::Usage(format!("{} is not there: give the data folder by --data", path.display())));
    }
    let checked = match store::check(&path) {
        // A head that cannot be read is damage like any other.
        Err(StoreError::Corrupt { detail, .. }) => {
            Checked { schema: 0, faults: vec![detail], sessions: None, samples: None }
        }
        other => other?,
    };
    let Checked { schema, faults, sessions, samples } = &checked;
    if json {
        let told = object!({
            "type": "checked", "sound": faults.is_empty(), "schema": schema, "faults": faults,
            "sessions": sessions, "samples": samples,
        });
        output::line(&told.to_string());
    } else {
        let count = |count: &Option<u64>| count.map_or_else(|| "an unknown number of".into(), |n| n.to_string());
        for fault in faults {
            output::line(fault);
        }
        if faults.is_empty() {
            let (sessions, samples) = (count(sessions), count(samples));
            let path = path.display();
            output::line(&format!("{path} is sound: schema {schema}, {sessions} sessions, {samples} samples"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(CliError::Damaged { path, faults: faults.len() }) }
}
