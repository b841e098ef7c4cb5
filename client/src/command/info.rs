//! `cnc info`: this computer and its network interfaces on one page.

use cnc_model::Summary;
use cnc_model::system::SystemInfo;
use cnc_proto::json;

use crate::cli::InfoArgs;
use crate::exit::Exit;
use crate::proxy;
use crate::ui::{Ui, figures, json_line};

pub(super) async fn run(ui: &Ui, args: &InfoArgs) -> Exit {
    // It stays on this computer, so its name is part of it.
    let info = SystemInfo { proxy: proxy::configured().await, ..cnc_probe::system(true).await };
    if args.output.json {
        // A closed output is noticed by whoever closed it.
        json_line(&json::info_summary(&info)).ok();
    } else {
        for line in figures::lines(&Summary::System(info)) {
            ui.line(&line);
        }
    }
    Exit::Measured
}
