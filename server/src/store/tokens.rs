//! Staff's tokens as rows. Only hashes are kept; what a role may do is decided elsewhere.

use cnc_model::Timestamp;
use rusqlite::{Connection, Row};

use super::error::{Fault, StoreError};
use crate::roles::Role;

/// A staff token without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Names it without opening anything.
    pub id: String,
    /// Whose it is.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// When it was made.
    pub created: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it was last used, to the minute.
    pub last_used: Option<Timestamp>,
    /// When it was made worthless.
    pub revoked: Option<Timestamp>,
}

pub(super) fn insert(connection: &Connection, token: &TokenRow) -> Result<(), rusqlite::Error> {
    let TokenRow { id, name, role, hash, created, created_by, last_used, revoked } = token;
    connection.execute(
        "INSERT INTO tokens (token_id, name, role, hash, created_us, created_by, last_used_us, revoked_us)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            id,
            name,
            role.word(),
            hash,
            created.unix_us(),
            created_by,
            last_used.map(Timestamp::unix_us),
            revoked.map(Timestamp::unix_us),
        ),
    )?;
    Ok(())
}

/// Makes a token worthless from then on; tells whether it was worth something.
pub(super) fn revoke(connection: &Connection, id: &str, at: Timestamp) -> Result<bool, rusqlite::Error> {
    let sql = "UPDATE tokens SET revoked_us = ?2 WHERE token_id = ?1 AND revoked_us IS NULL";
    Ok(connection.execute(sql, (id, at.unix_us()))? > 0)
}

pub(super) fn used(connection: &Connection, id: &str, at: Timestamp) -> Result<(), rusqlite::Error> {
    connection.execute("UPDATE tokens SET last_used_us = ?2 WHERE token_id = ?1", (id, at.unix_us()))?;
    Ok(())
}

/// Gives all tokens in the order of creation, the revoked ones too.
pub(super) fn all(connection: &Connection) -> Result<Vec<TokenRow>, Fault> {
    let mut statement = connection.prepare_cached("SELECT * FROM tokens ORDER BY created_us, token_id")?;
    let mut rows = statement.query(())?;
    let mut tokens = vec![];
    while let Some(row) = rows.next()? {
        tokens.push(read(row)?);
    }
    Ok(tokens)
}

fn read(row: &Row<'_>) -> Result<TokenRow, Fault> {
    let role: String = row.get("role")?;
    let role = crate::roles::role(&role)
        .ok_or_else(|| StoreError::Unreadable { table: "tokens", detail: format!("role is {role:?}") })?;
    Ok(TokenRow {
        id: row.get("token_id")?,
        name: row.get("name")?,
        role,
        hash: row.get("hash")?,
        created: Timestamp::from_unix_us(row.get("created_us")?),
        created_by: row.get("created_by")?,
        last_used: row.get::<_, Option<i64>>("last_used_us")?.map(Timestamp::from_unix_us),
        revoked: row.get::<_, Option<i64>>("revoked_us")?.map(Timestamp::from_unix_us),
    })
}
