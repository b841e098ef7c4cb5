//! `token create|list|revoke`.

use clap::{Args, Subcommand, ValueEnum};
use cnc_proto::support::{CreateToken, CreatedToken, RevokeToken, Role, Token};
use cnc_proto::{json, v1};

use super::connect::ConnectArguments;
use super::{CliError, output, text};

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token; it is shown this once
    #[command(after_help = "Example: cnc-listener token create --role support --name \"Jo at the helpdesk\"")]
    Create(CreateArguments),
    /// List tokens without their secrets
    List(ConnectArguments),
    /// Make a token worthless at once
    #[command(after_help = "Example: cnc-listener token revoke 3f2a9c81d0")]
    Revoke {
        /// The token's id, as `token list` shows it
        id: String,
        #[command(flatten)]
        connect: ConnectArguments,
    },
}

#[derive(Debug, Args)]
pub(super) struct CreateArguments {
    /// What it may do
    #[arg(long)]
    role: RoleArgument,
    /// Whose it is; shown as the one who issued a test
    #[arg(long, default_value = "")]
    name: String,
    #[command(flatten)]
    connect: ConnectArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleArgument {
    /// Look
    Viewer,
    /// Also act on sessions
    Support,
    /// Also handle tokens and delete
    Admin,
}

impl From<RoleArgument> for Role {
    fn from(role: RoleArgument) -> Self {
        match role {
            RoleArgument::Viewer => Self::Viewer,
            RoleArgument::Support => Self::Support,
            RoleArgument::Admin => Self::Admin,
        }
    }
}

pub(super) async fn run(command: TokenCommand) -> Result<(), CliError> {
    match command {
        TokenCommand::Create(arguments) => create(arguments).await,
        TokenCommand::List(connect) => list(&connect).await,
        TokenCommand::Revoke { id, connect } => revoke(id, &connect).await,
    }
}

async fn create(arguments: CreateArguments) -> Result<(), CliError> {
    let CreateArguments { role, name, connect } = arguments;
    let mut support = connect.connect().await?.support();
    let wish = CreateToken { role: role.into(), name };
    let answer = support.create_token(v1::CreateTokenRequest::from(wish)).await?.into_inner();
    let created = CreatedToken::try_from(answer)?;
    if connect.json {
        output::line(&json::line(&json::created_token(&created)));
    } else {
        output::line(&created.token);
        output::line(&format!("id {}; the token itself cannot be shown again", created.id));
    }
    Ok(())
}

async fn list(connect: &ConnectArguments) -> Result<(), CliError> {
    let mut support = connect.connect().await?.support();
    let answer = support.list_tokens(v1::ListTokensRequest {}).await?.into_inner();
    let tokens: Vec<Token> = answer.try_into()?;
    if connect.json {
        for token in &tokens {
            output::line(&json::line(&json::token(token)));
        }
        return Ok(());
    }
    let mut rows = vec![["ID", "ROLE", "NAME", "MADE", "LAST USED"].map(str::to_owned).to_vec()];
    rows.extend(tokens.iter().map(|token| {
        let used = token.last_used.map_or_else(|| "never".into(), text::moment);
        vec![token.id.clone(), token.role.to_string(), token.name.clone(), text::moment(token.created), used]
    }));
    output::table(&rows);
    Ok(())
}

async fn revoke(id: String, connect: &ConnectArguments) -> Result<(), CliError> {
    let mut support = connect.connect().await?.support();
    support.revoke_token(v1::RevokeTokenRequest::from(RevokeToken { id: id.clone() })).await?;
    if connect.json {
        output::line(&serde_json::json!({ "type": "revoked", "id": id }).to_string());
    } else {
        output::line(&format!("token {id} is worthless now"));
    }
    Ok(())
}
