//! `cnc mtu`, `cnc dns` and `cnc http`: a heading, and what was found out at the end.

use cnc_model::{Failure, Outcome, Summary};
use cnc_proto::json;
use tokio_util::sync::CancellationToken;

use super::ping::named;
use super::{tell_failure, wrong_usage};
use crate::cli::{DnsArgs, HttpArgs, MtuArgs};
use crate::exit::Exit;
use crate::interrupt;
use crate::proxy;
use crate::runner::aim::{Landmarks, aim};
use crate::runner::measure::{Job, Measurement, measure};
use crate::runner::reach;
use crate::tls::Trust;
use crate::ui::text::clean;
use crate::ui::{Ui, figures, json_line};

pub(super) async fn mtu(ui: &Ui, args: &MtuArgs) -> Exit {
    let as_json = args.output.json;
    let (cancel, _listening) = interrupt::token();
    let test = args.test();
    let aimed = cancel.run_until_cancelled(aim(&test.destination, test.family, &Landmarks::default(), None)).await;
    let target = match aimed {
        Some(Ok(target)) => target,
        Some(Err(failure)) => return tell_failure(ui, as_json, &failure),
        None => return Exit::Interrupted,
    };
    if !as_json {
        ui.heading(&format!("The largest packet to {}. Ctrl-C stops.", named(&target)));
    }
    find_out(ui, as_json, Job::Mtu(target), &cancel).await
}

pub(super) async fn dns(ui: &Ui, args: &DnsArgs) -> Exit {
    let as_json = args.output.json;
    let test = match args.test() {
        Ok(test) => test,
        Err(error) => return wrong_usage(ui, as_json, &error.to_string()),
    };
    let (cancel, _listening) = interrupt::token();
    let name = test.name.clone();
    let prepared = async {
        let resolvers = cnc_probe::system::resolvers();
        reach::dns(test, &Landmarks { resolvers, ..Landmarks::default() }, None).await
    };
    let job = match cancel.run_until_cancelled(prepared).await {
        Some(Ok(job)) => job,
        Some(Err(failure)) => return tell_failure(ui, as_json, &failure),
        None => return Exit::Interrupted,
    };
    if !as_json {
        ui.heading(&format!("What DNS answers to {}. Ctrl-C stops.", clean(name.as_str())));
    }
    find_out(ui, as_json, job, &cancel).await
}

pub(super) async fn http(ui: &Ui, args: &HttpArgs) -> Exit {
    let as_json = args.output.json;
    let target = async {
        let test = args.test().map_err(|error| error.to_string())?;
        let trust = Trust::new(args.ca.as_deref()).map_err(|error| error.to_string())?;
        let found = proxy::for_url(&test.url).await?;
        // What the user types is theirs to decide.
        Ok::<_, String>(reach::http_target(test.url, test.family, &trust, found, |_| true))
    };
    let target = match target.await {
        Ok(target) => target,
        Err(message) => return wrong_usage(ui, as_json, &message),
    };
    let (cancel, _listening) = interrupt::token();
    if !as_json {
        ui.heading(&format!("One request to {}. Ctrl-C stops.", clean(&args.url)));
    }
    find_out(ui, as_json, Job::Http(target), &cancel).await
}

/// Measures, shows what came of it, and tells whether anybody answered.
async fn find_out(ui: &Ui, as_json: bool, job: Job, cancel: &CancellationToken) -> Exit {
    // These tests have no samples to show.
    let Measurement { outcome, summary } = measure(job, cancel, |_| Ok::<_, Failure>(())).await;
    if let Some(summary) = &summary {
        if as_json {
            // A closed output is noticed by whoever closed it.
            json_line(&json::summary(summary)).ok();
        } else {
            ui.indented(&figures::lines(summary));
        }
    }
    match (outcome, summary) {
        (Outcome::Failed(failure), _) => tell_failure(ui, as_json, &failure),
        (Outcome::Cancelled, _) => Exit::Interrupted,
        (Outcome::Completed, Some(summary)) if answered(&summary) => Exit::Measured,
        (Outcome::Completed, _) => Exit::NoAnswer,
    }
}

fn answered(summary: &Summary) -> bool {
    match summary {
        Summary::Mtu(mtu) => mtu.path_mtu_bytes.is_some(),
        Summary::Dns(dns) => dns.answered(),
        Summary::Http(http) => http.status.is_some(),
        Summary::Ping(_) | Summary::Trace(_) | Summary::Throughput(_) | Summary::System(_) => true,
    }
}
