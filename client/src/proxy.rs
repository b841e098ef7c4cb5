//! Which proxy leads to the listener: the environment's, which other programs heed too, else the system's.
//!
//! `HTTPS_PROXY` counts for `https` listeners and `HTTP_PROXY` for `http` ones, then `ALL_PROXY`, each in small letters
//! first; `NO_PROXY` names hosts that are reached without. Where none of them names a proxy, the settings of the desktop
//! or the system count, with their own exceptions. Both kinds go through CONNECT, since the stream is HTTP/2. This
//! machine itself never needs a proxy.

use std::fmt;

pub use cnc_probe::tunnel::Proxy;
use thiserror::Error;

use self::exempt::is_exempt;
use self::settings::Settings;
use crate::config::ListenerUrl;

mod exempt;
mod settings;
mod system;

/// Who named a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// This variable of the environment.
    Variable(&'static str),
    /// GNOME's settings, which most Linux desktops keep.
    Gnome,
    /// KDE's settings.
    Kde,
    /// macOS's network settings.
    Mac,
    /// Windows' settings of this user.
    Windows,
    /// Windows' settings of services.
    WinHttp,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Variable(name) => name,
            Self::Gnome => "the desktop's proxy settings",
            Self::Kde => "KDE's proxy settings",
            Self::Mac => "macOS's network settings",
            Self::Windows => "Windows' proxy settings",
            Self::WinHttp => "the proxy settings of Windows' services",
        })
    }
}

/// What was found out about proxies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The proxy to use, and who named it.
    pub proxy: Option<(Proxy, Source)>,
    /// Who has a script that would choose a proxy, which this program does not run; there is no other proxy then.
    pub script: Option<Source>,
}

/// A variable that names no proxy of use.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{variable} does not name a proxy that this program can use: write it like http://proxy.example.com:3128")]
pub struct InvalidProxy {
    variable: &'static str,
}

/// Finds the proxy for a listener, if there is one. `var` gives an environment variable.
///
/// # Errors
/// Fails when a variable that counts makes no sense: going around a proxy that somebody asked for would be wrong.
pub async fn find(url: &ListenerUrl, var: impl Fn(&str) -> Option<String>) -> Result<Found, InvalidProxy> {
    match by_environment(url, &var)? {
        Named::Proxy(proxy, variable) => Ok(Found { proxy: Some((proxy, Source::Variable(variable))), script: None }),
        Named::NoneNeeded => Ok(Found::default()),
        Named::Nothing => Ok(by_system(url, &system::settings(var).await)),
    }
}

/// Finds the proxy that leads to the host of a URL that the user types.
///
/// # Errors
/// As [`find`], in words.
pub async fn for_url(url: &str) -> Result<Option<Proxy>, String> {
    // What is no URL is the probe's to say.
    let Some(origin) = origin(url) else { return Ok(None) };
    let found = find(&origin, |name| std::env::var(name).ok()).await.map_err(|error| error.to_string())?;
    Ok(found.proxy.map(|(proxy, _)| proxy))
}

/// Says which proxy this computer is set up with for the web, and who names it; nothing of users and passwords.
pub async fn configured() -> Option<String> {
    // A name of no one, so that no exception holds.
    let found = find(&origin("https://name.invalid")?, |name| std::env::var(name).ok()).await;
    match found {
        Ok(Found { proxy: Some((proxy, source)), .. }) => Some(format!("{proxy} ({source})")),
        Ok(Found { script: Some(source), .. }) => Some(format!("that a script chooses ({source})")),
        Ok(Found { proxy: None, script: None }) => None,
        Err(InvalidProxy { variable }) => Some(format!("in {variable}, which cannot be read")),
    }
}

fn origin(url: &str) -> Option<ListenerUrl> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    format!("{scheme}://{}", &rest[..end]).parse().ok()
}

/// What the environment says.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    Proxy(Proxy, &'static str),
    /// There is none on the way to that host, whoever else names one.
    NoneNeeded,
    Nothing,
}

fn by_environment(url: &ListenerUrl, var: impl Fn(&str) -> Option<String>) -> Result<Named, InvalidProxy> {
    const TLS: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    const PLAIN: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
    let filled = |name: &str| var(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let local = url.host().as_str() == "localhost" || url.host().address().is_some_and(|a| a.is_loopback());
    let exempt = filled("no_proxy").or_else(|| filled("NO_PROXY")).is_some_and(|list| is_exempt(url, &list));
    if local || exempt {
        return Ok(Named::NoneNeeded);
    }
    let names = if url.tls() { TLS } else { PLAIN };
    let Some((variable, text)) = names.into_iter().find_map(|name| Some((name, filled(name)?))) else {
        return Ok(Named::Nothing);
    };
    parse(&text).map(|proxy| Named::Proxy(proxy, variable)).ok_or(InvalidProxy { variable })
}

/// Takes the first that names a proxy for the listener; one that this program cannot use counts for none.
fn by_system(url: &ListenerUrl, all: &[Settings]) -> Found {
    for settings in all.iter().filter(|settings| !is_exempt(url, &settings.exempt)) {
        let text = if url.tls() { &settings.https } else { &settings.http };
        if let Some(proxy) = text.as_deref().and_then(parse) {
            return Found { proxy: Some((proxy, settings.source)), script: None };
        }
    }
    Found { proxy: None, script: all.iter().find(|settings| settings.script).map(|settings| settings.source) }
}

fn parse(text: &str) -> Option<Proxy> {
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
        Some(_) => return None,
        None => text,
    };
    let (user, place) = rest.rsplit_once('@').map_or((None, rest), |(user, place)| (Some(user), place));
    let url: ListenerUrl = format!("http://{place}").parse().ok()?;
    let authorization = user.map(|user| {
        let (name, word) = user.split_once(':').unwrap_or((user, ""));
        let mut plain = unescape(name);
        plain.push(b':');
        plain.extend(unescape(word));
        format!("Basic {}", base64(&plain))
    });
    Some(Proxy { host: url.host().clone(), port: url.port(), authorization })
}

/// Puts bytes in for `%40` and its like.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().iter();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(&byte) = bytes.next() {
        let code = bytes.as_slice().get(..2).filter(|_| byte == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        if let Some(code) = code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            plain.push(code);
            bytes.nth(1);
        } else {
            plain.push(byte);
        }
    }
    plain
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let letter = (bits >> (18 - 6 * place)) & 0x3F;
            text.push(if place <= three.len() { LETTERS[letter as usize] as char } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(url: &str, vars: &[(&str, &str)]) -> Result<Option<String>, InvalidProxy> {
        let var = |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Ok(match by_environment(&url.parse().expect("valid"), var)? {
            Named::Proxy(proxy, _) => {
                Some(format!("{proxy} {}", proxy.authorization.as_deref().unwrap_or_default()).trim().to_owned())
            }
            Named::NoneNeeded | Named::Nothing => None,
        })
    }

    #[test]
    fn the_environment_names_the_proxy() {
        const TLS: &str = "https://check.example.com";
        for (url, vars, expected) in [
            (TLS, &[][..], None),
            (TLS, &[("HTTPS_PROXY", "http://p:3128")], Some("p:3128")),
            (TLS, &[("https_proxy", "p:3128"), ("HTTPS_PROXY", "q:1")], Some("p:3128")),
            (TLS, &[("HTTP_PROXY", "http://p:3128")], None),
            (TLS, &[("ALL_PROXY", "http://[2001:db8::1]:8080/")], Some("[2001:db8::1]:8080")),
            (TLS, &[("HTTPS_PROXY", "")], None),
            (TLS, &[("HTTPS_PROXY", "http://ann:pa%40ss@p")], Some("p:80 Basic YW5uOnBhQHNz")),
            ("http://check.example.com:8080", &[("http_proxy", "http://p:1")], Some("p:1")),
            ("http://127.0.0.1:8080", &[("http_proxy", "http://p:1")], None),
            ("http://localhost", &[("http_proxy", "http://p:1")], None),
        ] {
            assert_eq!(chosen(url, vars), Ok(expected.map(Into::into)), "{url} {vars:?}");
        }
        for wrong in ["socks5://ann:secret@p:1080", "https://p:1", "http://", "http://p:x"] {
            let error = chosen(TLS, &[("HTTPS_PROXY", wrong)]).expect_err(wrong).to_string();
            assert!(error.contains("HTTPS_PROXY") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_system_names_the_proxy_where_the_environment_does_not() {
        let of = |source, https: Option<&str>, exempt: &str, script| Settings {
            https: https.map(Into::into),
            http: None,
            exempt: exempt.into(),
            script,
            source,
        };
        let url = "https://check.example.com".parse().expect("valid");
        let found = |all: &[Settings]| {
            let Found { proxy, script } = by_system(&url, all);
            (proxy.map(|(proxy, source)| format!("{proxy} from {source}")), script)
        };
        let user = of(Source::Windows, None, "", true);
        let services = of(Source::WinHttp, Some("p:8080"), "*.local", false);
        let from_services = "p:8080 from the proxy settings of Windows' services";
        assert_eq!(found(&[]), (None, None));
        assert_eq!(found(&[user.clone(), services]), (Some(from_services.into()), None));
        assert_eq!(found(&[user]), (None, Some(Source::Windows)));
        assert_eq!(found(&[of(Source::Gnome, Some("p:1"), "example.com", false)]), (None, None));
        assert_eq!(found(&[of(Source::Gnome, Some("socks://p:1"), "", false)]), (None, None));
        assert_eq!(
            found(&[of(Source::Kde, Some("http://p:1"), "", false)]),
            (Some("p:1 from KDE's proxy settings".into()), None)
        );
    }

    #[tokio::test]
    async fn no_proxy_holds_for_the_systems_too() {
        let url = "https://check.example.com".parse().expect("valid");
        let found = find(&url, |name| (name == "no_proxy").then(|| "example.com".into())).await;
        assert_eq!(found, Ok(Found::default()));
    }

    #[test]
    fn nothing_shows_the_password() {
        let proxy = parse("http://ann:secret@p:1").expect("valid");
        assert!(!format!("{proxy:?} {proxy}").contains("Basic"));
    }
}
