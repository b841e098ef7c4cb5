//! Browsers that staff have logged in with: random cookies for tokens. Only hashes are held, in memory; a restart
//! logs everybody out. Pure but for the drawing of a cookie: `now` is an argument.

use std::collections::HashMap;
use std::time::Duration;

use crate::secret;

/// How long a login lasts: a working day with its breaks.
pub const LOGIN_LASTS: Duration = Duration::from_hours(12);
/// Logins held at a time; when there are as many the one that ends first goes. A helpdesk has dozens.
const MOST_LOGINS: usize = 1_024;

/// The logins by the hashes of their cookies.
#[derive(Debug, Default)]
pub(super) struct Logins {
    by_cookie: HashMap<[u8; 32], Login>,
}

#[derive(Debug, Clone, Copy)]
struct Login {
    token: [u8; 32],
    until: Duration,
}

impl Logins {
    /// Logs in with a token's hash; gives the cookie's value.
    pub(super) fn begin(&mut self, token: [u8; 32], now: Duration) -> String {
        self.by_cookie.retain(|_, login| now < login.until);
        while self.by_cookie.len() >= MOST_LOGINS {
            let first = self.by_cookie.iter().min_by_key(|(_, login)| login.until).map(|(hash, _)| *hash);
            first.map(|hash| self.by_cookie.remove(&hash));
        }
        let cookie = secret::token();
        self.by_cookie.insert(secret::hash(cookie.as_bytes()), Login { token, until: now + LOGIN_LASTS });
        cookie
    }

    /// Gives the hash of the token that a cookie stands for.
    pub(super) fn token(&self, cookie: &str, now: Duration) -> Option<[u8; 32]> {
        let login = self.by_cookie.get(&secret::hash(cookie.as_bytes()))?;
        (now < login.until).then_some(login.token)
    }

    /// Logs out.
    pub(super) fn end(&mut self, cookie: &str) {
        self.by_cookie.remove(&secret::hash(cookie.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_last_until_their_time_or_their_end() {
        let mut logins = Logins::default();
        let cookie = logins.begin([1; 32], Duration::ZERO);
        let other = logins.begin([2; 32], Duration::ZERO);
        let just = LOGIN_LASTS.saturating_sub(Duration::from_secs(1));
        assert_eq!(logins.token(&cookie, just), Some([1; 32]));
        assert_eq!(logins.token(&cookie, LOGIN_LASTS), None);
        logins.end(&other);
        assert_eq!(logins.token(&other, Duration::ZERO), None);
        assert_eq!(logins.token("", Duration::ZERO), None);
    }

    #[test]
    fn the_oldest_login_makes_room() {
        let mut logins = Logins::default();
        let cookies: Vec<_> = (0..=MOST_LOGINS as u64).map(|n| logins.begin([1; 32], Duration::from_secs(n))).collect();
        assert_eq!(logins.by_cookie.len(), MOST_LOGINS);
        let now = Duration::from_hours(1);
        assert_eq!(logins.token(&cookies[0], now), None);
        assert!(cookies[1..].iter().all(|cookie| logins.token(cookie, now).is_some()));
    }
}
