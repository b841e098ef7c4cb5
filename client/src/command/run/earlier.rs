//! Before a session: what earlier ones with the same listener left behind is delivered.

use cnc_model::Code;
use tokio::sync::mpsc;

use super::Road;
use crate::alone::Alone;
use crate::clock::wall;
use crate::late::{self, Late};
use crate::state;
use crate::ui::Ui;
use crate::ui::text::{clean, count};

/// Delivers what is left; false when the user interrupts. A listener that cannot be reached now is the session's to
/// tell.
pub(super) async fn deliver(
    ui: &Ui,
    road: &mut Road,
    code: Option<Code>,
    alone: &mut Vec<Alone>,
    interrupted: &mut mpsc::Receiver<()>,
) -> bool {
    let Some(folder) = state::folder() else { return true };
    for key in state::leftovers(&folder, &road.listener, code, wall()) {
        let way = road.way(&key);
        // Liveness: a delivery has a time limit of its own.
        let late = tokio::select! {
            late = late::deliver(key, way, alone) => late,
            _ = interrupted.recv() => return false,
        };
        match late {
            Late::Delivered { items, report_url } => {
                let report = report_url.map(|url| format!(" Report: {}", clean(&url))).unwrap_or_default();
                let items = count(items, "item");
                ui.line(&format!("Delivered what was left of an earlier session: {items}.{report}"));
            }
            Late::Unwanted => {
                ui.line("The listener no longer knows an earlier session; what was left of it is removed.");
            }
            Late::NotNow => return true,
        }
    }
    true
}
