//! Calls about tokens.

use std::fmt;

use cnc_model::Timestamp;

use crate::scalar::{MAX_NAME_BYTES, text, timestamp};
use crate::{Invalid, v1};

/// What a token may do; each role may do all that the one before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Look.
    Viewer,
    /// Also act on sessions.
    Support,
    /// Also handle tokens and delete.
    Admin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Support, Self::Admin];

    /// Gives the word for it on command lines, in JSON and in columns.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Support => "support",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a new token is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateToken {
    /// What it may do.
    pub role: Role,
    /// Whose it is; shown as the one who issued a test.
    pub name: String,
}

/// A token that was made. The secret does not show itself in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct CreatedToken {
    /// Names it without opening anything.
    pub id: String,
    /// The secret, which cannot be shown again.
    pub token: String,
}

impl fmt::Debug for CreatedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedToken").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Names it.
    pub id: String,
    /// What it may do.
    pub role: Role,
    /// Whose it is.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last used; `None` when never.
    pub last_used: Option<Timestamp>,
}

/// Which token to make worthless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeToken {
    /// Its id.
    pub id: String,
}

impl From<RevokeToken> for v1::RevokeTokenRequest {
    fn from(request: RevokeToken) -> Self {
        let RevokeToken { id } = request;
        Self { id }
    }
}

impl TryFrom<v1::RevokeTokenRequest> for RevokeToken {
    type Error = Invalid;

    fn try_from(wire: v1::RevokeTokenRequest) -> Result<Self, Invalid> {
        let v1::RevokeTokenRequest { id } = wire;
        Ok(Self { id: text("RevokeTokenRequest.id", id, MAX_NAME_BYTES)? })
    }
}

impl From<Role> for v1::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::Support => Self::Support,
            Role::Admin => Self::Admin,
        }
    }
}

pub(super) fn role(field: &'static str, wire: i32) -> Result<Role, Invalid> {
    match v1::Role::try_from(wire).unwrap_or_default() {
        v1::Role::Unspecified => Err(Invalid::Unknown { field }),
        v1::Role::Viewer => Ok(Role::Viewer),
        v1::Role::Support => Ok(Role::Support),
        v1::Role::Admin => Ok(Role::Admin),
    }
}

impl From<CreateToken> for v1::CreateTokenRequest {
    fn from(request: CreateToken) -> Self {
        let CreateToken { role, name } = request;
        Self { role: v1::Role::from(role).into(), name }
    }
}

impl TryFrom<v1::CreateTokenRequest> for CreateToken {
    type Error = Invalid;

    fn try_from(wire: v1::CreateTokenRequest) -> Result<Self, Invalid> {
        let v1::CreateTokenRequest { role: asked, name } = wire;
        Ok(Self {
            role: role("CreateTokenRequest.role", asked)?,
            name: text("CreateTokenRequest.name", name, MAX_NAME_BYTES)?,
        })
    }
}

impl From<CreatedToken> for v1::CreateTokenResponse {
    fn from(created: CreatedToken) -> Self {
        let CreatedToken { id, token } = created;
        Self { id, token }
    }
}

impl TryFrom<v1::CreateTokenResponse> for CreatedToken {
    type Error = Invalid;

    fn try_from(wire: v1::CreateTokenResponse) -> Result<Self, Invalid> {
        let v1::CreateTokenResponse { id, token } = wire;
        Ok(Self {
            id: text("CreateTokenResponse.id", id, MAX_NAME_BYTES)?,
            token: text("CreateTokenResponse.token", token, MAX_NAME_BYTES)?,
        })
    }
}

impl From<Token> for v1::Token {
    fn from(token: Token) -> Self {
        let Token { id, role, name, created, last_used } = token;
        Self {
            id,
            role: v1::Role::from(role).into(),
            name,
            created_unix_us: created.unix_us(),
            last_used_unix_us: last_used.map(Timestamp::unix_us),
        }
    }
}

impl TryFrom<v1::Token> for Token {
    type Error = Invalid;

    fn try_from(wire: v1::Token) -> Result<Self, Invalid> {
        let v1::Token { id, role: may, name, created_unix_us, last_used_unix_us } = wire;
        Ok(Self {
            id: text("Token.id", id, MAX_NAME_BYTES)?,
            role: role("Token.role", may)?,
            name: text("Token.name", name, MAX_NAME_BYTES)?,
            created: timestamp("Token.created_unix_us", created_unix_us)?,
            last_used: last_used_unix_us.map(|us| timestamp("Token.last_used_unix_us", us)).transpose()?,
        })
    }
}

impl From<Vec<Token>> for v1::ListTokensResponse {
    fn from(tokens: Vec<Token>) -> Self {
        Self { tokens: tokens.into_iter().map(Into::into).collect() }
    }
}

impl TryFrom<v1::ListTokensResponse> for Vec<Token> {
    type Error = Invalid;

    fn try_from(wire: v1::ListTokensResponse) -> Result<Self, Invalid> {
        let v1::ListTokensResponse { tokens } = wire;
        tokens.into_iter().map(TryInto::try_into).collect()
    }
}
