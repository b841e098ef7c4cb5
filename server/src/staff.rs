//! Staff's tokens: who calls, and whether they may. The secrets are known only to their holders; hashes are kept.

mod logins;

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use cnc_model::Timestamp;
use cnc_proto::support::{CreateToken, CreatedToken, Token};
use thiserror::Error;

use crate::roles::{Call, Role};
use crate::store::{Store, StoreError, TokenRow};
use crate::{clock, secret};

pub use logins::LOGIN_LASTS;

use logins::Logins;

/// How exactly the last use of a token is known: noting each use would be a write for each call.
const USE_NOTED_EVERY: Duration = Duration::from_mins(1);
/// The name of the token that a first start makes.
const FIRST_NAME: &str = "first start";
/// The file that holds it, in the data folder, where nobody names another.
pub const FIRST_TOKEN_FILE: &str = "admin.token";
/// The shortest token that a file may hold: shorter ones were typed by somebody, and what people type can be guessed.
const SHORTEST: usize = 32;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The token's id.
    pub id: String,
    /// The token's name.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// What a browser sent along with a call. No page can read the login's cookie; the browser adds it by itself, also
/// where another site's page asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Browser {
    /// A page of the listener's own asks, with this login.
    Own(String),
    /// A page of another site asks.
    Foreign,
}

/// Why a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Denied {
    /// No token came with the call.
    #[error("this wants a staff token: send `authorization: Bearer TOKEN`")]
    NoToken,
    /// The token is unknown or was revoked.
    #[error("this token is unknown or was revoked: ask an admin for another")]
    UnknownToken,
    /// The browser's login is over.
    #[error("you are logged out: log in again at /login")]
    LoggedOut,
    /// A page of another site would use the login.
    #[error("this came from another site's page: open this listener's own")]
    ForeignSite,
    /// The token's role does not suffice.
    #[error("this wants the role {needs}, the token has {has}: ask an admin for another")]
    Role {
        /// What is needed.
        needs: Role,
        /// What there is.
        has: Role,
    },
}

/// Why the tokens cannot be used.
#[derive(Debug, Error)]
pub enum StaffError {
    /// The record cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The first token's file cannot be read or written.
    #[error("cannot keep the admin token in {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What stands in the first token's file would be guessed.
    #[error(
        "the admin token in {path} has {characters} characters, and {SHORTEST} are the least: write one by \
         `openssl rand -hex 32`, or remove the file where the listener is to make one"
    )]
    Short {
        /// The file.
        path: PathBuf,
        /// How many it has.
        characters: usize,
    },
}

/// The tokens that are worth something, held in memory beside the record.
#[derive(Debug, Clone)]
pub struct Staff {
    store: Store,
    known: Arc<RwLock<HashMap<[u8; 32], TokenRow>>>,
    logins: Arc<Mutex<Logins>>,
    clock: clock::Clock,
}

impl Staff {
    /// Reads the tokens; where the admin token's file is not there yet it makes one and writes it there.
    ///
    /// # Errors
    /// Fails when the record or the token's file cannot be read or written, or what it holds would be guessed.
    pub async fn open(store: Store, admin_token: &Path) -> Result<Self, StaffError> {
        let tokens = store.tokens().await?;
        let known = tokens.into_iter().filter(|token| token.revoked.is_none()).map(|token| (token.hash, token));
        let known = Arc::new(RwLock::new(known.collect()));
        let staff = Self { store, known, logins: Arc::default(), clock: clock::Clock::start() };
        staff.first_token(admin_token).await?;
        Ok(staff)
    }

    /// Sees to it that the token in the file is an admin's. Whoever may write the file owns the record anyway.
    async fn first_token(&self, path: &Path) -> Result<(), StaffError> {
        let failed = |source| StaffError::File { path: path.to_owned(), source };
        let (token, is_new) = match std::fs::read_to_string(path) {
            Ok(text) => (text.trim().to_owned(), false),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => (secret::token(), true),
            Err(error) => return Err(failed(error)),
        };
        let characters = token.chars().count();
        if characters < SHORTEST {
            return Err(StaffError::Short { path: path.to_owned(), characters });
        }
        let hash = secret::hash(token.as_bytes());
        if !is_new && self.store.tokens().await?.iter().any(|known| known.hash == hash) {
            return Ok(());
        }
        // One that was lost must not stay worth something.
        for old in self.list().into_iter().filter(|token| token.name == FIRST_NAME) {
            self.revoke(&old.id).await?;
        }
        self.keep(Role::Admin, FIRST_NAME.into(), hash, FIRST_NAME.into()).await?;
        if is_new {
            write_secret(path, &token).map_err(failed)?;
            tracing::info!(path = %path.display(), "made an admin token");
        }
        Ok(())
    }

    /// Tells who calls, if they may.
    ///
    /// # Errors
    /// Says why they may not.
    pub async fn check(&self, token: Option<&str>, call: Call) -> Result<Who, Denied> {
        self.check_hash(secret::hash(token.ok_or(Denied::NoToken)?.as_bytes()), call).await
    }

    /// Tells who calls from a browser, if they may. A revoked token's logins are worthless with it.
    ///
    /// # Errors
    /// Says why they may not.
    pub async fn check_cookie(&self, cookie: &str, call: Call) -> Result<Who, Denied> {
        let token = self.logins().token(cookie, self.clock.now().elapsed);
        self.check_hash(token.ok_or(Denied::LoggedOut)?, call).await
    }

    /// Tells who calls by a token, else by a browser's login, if they may.
    ///
    /// # Errors
    /// Says why they may not.
    pub async fn check_either(
        &self,
        token: Option<&str>,
        browser: Option<&Browser>,
        call: Call,
    ) -> Result<Who, Denied> {
        match (token, browser) {
            (None, Some(Browser::Own(cookie))) => self.check_cookie(cookie, call).await,
            (None, Some(Browser::Foreign)) => Err(Denied::ForeignSite),
            (token, _) => self.check(token, call).await,
        }
    }

    /// Logs a browser in with a token; gives the cookie's value.
    ///
    /// # Errors
    /// Fails when the token is worth nothing.
    pub async fn login(&self, token: &str) -> Result<String, Denied> {
        let hash = secret::hash(token.as_bytes());
        self.check_hash(hash, Call::Report).await?;
        Ok(self.logins().begin(hash, self.clock.now().elapsed))
    }

    /// Logs a browser out.
    pub fn logout(&self, cookie: &str) {
        self.logins().end(cookie);
    }

    fn logins(&self) -> MutexGuard<'_, Logins> {
        // Each change is one insertion or removal, so what is there is whole.
        self.logins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn check_hash(&self, hash: [u8; 32], call: Call) -> Result<Who, Denied> {
        let now = clock::wall();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        let TokenRow { id, name, role, last_used, .. } = known.ok_or(Denied::UnknownToken)?;
        if role < call.needs() {
            return Err(Denied::Role { needs: call.needs(), has: role });
        }
        // A clock that was set back must not keep a use from being noted.
        if last_used.is_none_or(|last| now < last || now.since(last) >= USE_NOTED_EVERY) {
            self.note_use(hash, &id, now).await;
        }
        Ok(Who { id, name, role })
    }

    async fn note_use(&self, hash: [u8; 32], id: &str, now: Timestamp) {
        if let Some(token) = self.known.write().unwrap_or_else(PoisonError::into_inner).get_mut(&hash) {
            token.last_used = Some(now);
        }
        if let Err(error) = self.store.token_used(id.to_owned(), now).await {
            tracing::debug!(%error, "a token's use could not be noted");
        }
    }

    /// Makes a token; the secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// Fails when it cannot be stored.
    pub async fn create(&self, wish: CreateToken, by: &Who) -> Result<CreatedToken, StoreError> {
        let token = secret::token();
        let id = self.keep(wish.role, wish.name, secret::hash(token.as_bytes()), by.name.clone()).await?;
        Ok(CreatedToken { id, token })
    }

    async fn keep(&self, role: Role, name: String, hash: [u8; 32], created_by: String) -> Result<String, StoreError> {
        let id = format!("{:010x}", secret::random_u64() >> 24);
        let created = clock::wall();
        let row = TokenRow { id: id.clone(), name, role, hash, created, created_by, last_used: None, revoked: None };
        self.store.insert_token(row.clone()).await?;
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(hash, row);
        Ok(id)
    }

    /// Gives the tokens that are worth something, in the order of creation.
    #[must_use]
    pub fn list(&self) -> Vec<Token> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut tokens: Vec<_> = known.values().map(token).collect();
        tokens.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        tokens
    }

    /// Makes a token worthless at once; tells whether it was worth something.
    ///
    /// # Errors
    /// Fails when that cannot be stored.
    pub async fn revoke(&self, id: &str) -> Result<bool, StoreError> {
        let revoked = self.store.revoke_token(id.to_owned(), clock::wall()).await?;
        self.known.write().unwrap_or_else(PoisonError::into_inner).retain(|_, token| token.id != id);
        Ok(revoked)
    }
}

/// Takes the token out of an `authorization` header's value.
#[must_use]
pub fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn token(row: &TokenRow) -> Token {
    let TokenRow { id, name, role, created, last_used, hash: _, created_by: _, revoked: _ } = row;
    Token { id: id.clone(), role: *role, name: name.clone(), created: *created, last_used: *last_used }
}

/// Writes a file that only its owner may read, and only if there is none.
fn write_secret(path: &Path, secret: &str) -> Result<(), std::io::Error> {
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(secret.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn open(folder: &Path) -> Staff {
        let store = Store::open(&folder.join("cnc.db")).expect("opens");
        Staff::open(store, &folder.join(FIRST_TOKEN_FILE)).await.expect("opens")
    }

    fn file(folder: &Path) -> String {
        std::fs::read_to_string(folder.join(FIRST_TOKEN_FILE)).expect("there").trim().to_owned()
    }

    #[tokio::test]
    async fn a_first_start_makes_an_admin_token_that_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let staff = open(folder.path()).await;
        let token = file(folder.path());
        assert_eq!(staff.check(Some(&token), Call::CreateToken).await.expect("may").role, Role::Admin);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(folder.path().join(FIRST_TOKEN_FILE)).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        drop(staff);
        let again = open(folder.path()).await;
        assert_eq!(file(folder.path()), token);
        assert!(again.check(Some(&token), Call::CreateToken).await.is_ok());
    }

    #[tokio::test]
    async fn a_lost_admin_token_is_replaced_and_worthless() {
        let folder = tempfile::tempdir().expect("a folder");
        drop(open(folder.path()).await);
        let lost = file(folder.path());
        std::fs::remove_file(folder.path().join(FIRST_TOKEN_FILE)).expect("removed");
        let staff = open(folder.path()).await;
        assert_eq!(staff.check(Some(&lost), Call::ListPlans).await, Err(Denied::UnknownToken));
        assert!(staff.check(Some(&file(folder.path())), Call::ListPlans).await.is_ok());
    }

    #[tokio::test]
    async fn an_admin_token_may_be_given_but_none_that_can_be_guessed() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = || Store::open(&folder.path().join("cnc.db")).expect("opens");
        let given = folder.path().join("given");
        for guessed in ["", "\n", "correct horse battery staple"] {
            std::fs::write(&given, guessed).expect("written");
            let refused = Staff::open(store(), &given).await.expect_err("guessed");
            assert!(matches!(refused, StaffError::Short { .. }), "{refused}");
        }
        let token = secret::token();
        std::fs::write(&given, format!("{token}\n")).expect("written");
        let staff = Staff::open(store(), &given).await.expect("opens");
        assert!(staff.check(Some(&token), Call::CreateToken).await.is_ok());
        assert!(!folder.path().join(FIRST_TOKEN_FILE).exists(), "no other is made beside it");
    }

    #[tokio::test]
    async fn tokens_open_what_their_role_may_until_revoked() {
        let folder = tempfile::tempdir().expect("a folder");
        let staff = open(folder.path()).await;
        let by = staff.check(Some(&file(folder.path())), Call::CreateToken).await.expect("may");
        let made = staff.create(CreateToken { role: Role::Viewer, name: "tv".into() }, &by).await.expect("made");
        assert_eq!(staff.check(Some(&made.token), Call::ListSessions).await.expect("may").name, "tv");
        let denied = Denied::Role { needs: Role::Support, has: Role::Viewer };
        assert_eq!(staff.check(Some(&made.token), Call::EndSession).await, Err(denied));
        assert_eq!(staff.check(None, Call::EndSession).await, Err(Denied::NoToken));
        assert_eq!(staff.check(Some("x"), Call::EndSession).await, Err(Denied::UnknownToken));
        assert_eq!(staff.list().len(), 2);
        assert!(staff.revoke(&made.id).await.expect("stored"));
        assert!(!staff.revoke(&made.id).await.expect("stored"));
        assert_eq!(staff.check(Some(&made.token), Call::ListSessions).await, Err(Denied::UnknownToken));
    }
}
