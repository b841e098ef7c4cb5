//! `plan list|show`.

use clap::Subcommand;
use cnc_model::Plan;
use cnc_proto::{json, v1};

use super::connect::ConnectArguments;
use super::{CliError, output};

#[derive(Debug, Subcommand)]
pub(super) enum PlanCommand {
    /// List the plans that sessions can begin with
    List(ConnectArguments),
    /// Show a plan's tests, stage by stage
    #[command(after_help = "Example: cnc-listener plan show default")]
    Show {
        /// The plan's name
        name: String,
        #[command(flatten)]
        connect: ConnectArguments,
    },
}

pub(super) async fn run(command: PlanCommand) -> Result<(), CliError> {
    match command {
        PlanCommand::List(connect) => list(&connect).await,
        PlanCommand::Show { name, connect } => show(&name, &connect).await,
    }
}

async fn plans(connect: &ConnectArguments) -> Result<Vec<Plan>, CliError> {
    let mut support = connect.connect().await?.support();
    Ok(support.list_plans(v1::ListPlansRequest {}).await?.into_inner().try_into()?)
}

async fn list(connect: &ConnectArguments) -> Result<(), CliError> {
    let plans = plans(connect).await?;
    if connect.json {
        for plan in &plans {
            output::line(&json::line(&json::plan(plan)));
        }
        return Ok(());
    }
    let row = |plan: &Plan| vec![plan.name.clone(), plan.tests().count().to_string(), plan.description.clone()];
    let mut rows = vec![["NAME", "TESTS", "WHAT FOR"].map(str::to_owned).to_vec()];
    rows.extend(plans.iter().map(row));
    output::table(&rows);
    Ok(())
}

async fn show(name: &str, connect: &ConnectArguments) -> Result<(), CliError> {
    let plans = plans(connect).await?;
    let known = || plans.iter().map(|plan| plan.name.as_str()).collect::<Vec<_>>().join(", ");
    let plan = plans.iter().find(|plan| plan.name == name);
    let plan = plan.ok_or_else(|| CliError::Usage(format!("there is no plan {name:?}; there are: {}", known())))?;
    if connect.json {
        output::line(&json::line(&json::plan(plan)));
        return Ok(());
    }
    output::line(&format!("{}: {}", plan.name, plan.description));
    for (number, stage) in (1..).zip(&plan.stages) {
        let tests: Vec<_> = stage.iter().map(cnc_model::Test::title).collect();
        output::line(&format!("  stage {number}: {}", tests.join(", ")));
    }
    Ok(())
}
