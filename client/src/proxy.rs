//! Which proxy leads to the listener, by the environment variables that other programs heed too. Pure.
//!
//! `HTTPS_PROXY` counts for `https` listeners and `HTTP_PROXY` for `http` ones, then `ALL_PROXY`, each in small letters
//! first; `NO_PROXY` names hosts that are reached without. Both kinds go through CONNECT, since the stream is HTTP/2.
//! This machine itself never needs a proxy.

use std::fmt;
use std::net::IpAddr;

use cnc_model::HostName;
use thiserror::Error;

use crate::config::ListenerUrl;

/// A proxy that speaks HTTP.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    pub(crate) host: HostName,
    pub(crate) port: u16,
    /// What goes behind `Proxy-Authorization:`; a secret.
    pub(crate) authorization: Option<String>,
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
pub fn choose(url: &ListenerUrl, var: impl Fn(&str) -> Option<String>) -> Result<Option<Proxy>, InvalidProxy> {
    const TLS: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    const PLAIN: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
    let filled = |name: &str| var(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let local = url.host().as_str() == "localhost" || url.host().address().is_some_and(|a| a.is_loopback());
    let exempt = filled("no_proxy").or_else(|| filled("NO_PROXY")).is_some_and(|list| is_exempt(url, &list));
    if local || exempt {
        return Ok(None);
    }
    let names = if url.tls() { TLS } else { PLAIN };
    let Some((variable, text)) = names.into_iter().find_map(|name| Some((name, filled(name)?))) else {
        return Ok(None);
    };
    parse(&text).map(Some).ok_or(InvalidProxy { variable })
}

/// Tells whether a list of hosts, domains and addresses holds the listener.
fn is_exempt(url: &ListenerUrl, list: &str) -> bool {
    list.split([',', ' ']).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.to_ascii_lowercase();
        if entry == "*" {
            return true;
        }
        if let Some(address) = url.host().address() {
            return entry.trim_matches(['[', ']']).parse() == Ok(address) || in_network(address, &entry);
        }
        let (name, port) = entry.rsplit_once(':').map_or((entry.as_str(), None), |(name, port)| (name, Some(port)));
        let name = name.trim_start_matches('*').trim_start_matches('.');
        let host = url.host().as_str();
        let inside = host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
        !name.is_empty() && inside && port.is_none_or(|port| port == url.port().to_string())
    })
}

/// Tells whether an address lies in a network like `10.0.0.0/8`.
fn in_network(address: IpAddr, network: &str) -> bool {
    let Some((base, bits)) = network.split_once('/') else { return false };
    let (Ok(base), Ok(bits)) = (base.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    let same = |a: u128, b: u128, width: u32| bits <= width && (bits == 0 || (a ^ b) >> (width - bits) == 0);
    match (address, base) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
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

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", authority(&self.host, self.port))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&authority(&self.host, self.port)).finish_non_exhaustive()
    }
}

/// Writes a host and a port as `CONNECT` wants them.
pub(crate) fn authority(host: &HostName, port: u16) -> String {
    match host.address() {
        Some(IpAddr::V6(address)) => format!("[{address}]:{port}"),
        Some(IpAddr::V4(_)) | None => format!("{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(url: &str, vars: &[(&str, &str)]) -> Result<Option<String>, InvalidProxy> {
        let var = |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let proxy = choose(&url.parse().expect("valid"), var)?;
        Ok(proxy
            .map(|proxy| format!("{proxy} {}", proxy.authorization.as_deref().unwrap_or_default()).trim().to_owned()))
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
    fn some_hosts_need_none() {
        for (url, list, exempt) in [
            ("https://check.example.com", "example.com", true),
            ("https://check.example.com", "other.org, .Example.com", true),
            ("https://check.example.com", "*.example.com", true),
            ("https://check.example.com", "*", true),
            ("https://check.example.com", "ample.com", false),
            ("https://check.example.com", "check.example.com:8443", false),
            ("https://check.example.com:8443", "check.example.com:8443", true),
            ("https://10.1.2.3", "10.0.0.0/8", true),
            ("https://11.1.2.3", "10.0.0.0/8", false),
            ("https://[2001:db8::5]", "2001:db8::/32", true),
            ("https://10.1.2.3", "10.1.2.3", true),
        ] {
            let proxy = chosen(url, &[("https_proxy", "p:1"), ("NO_PROXY", list)]).expect("valid");
            assert_eq!(proxy.is_none(), exempt, "{url} {list}");
        }
    }

    #[test]
    fn nothing_shows_the_password() {
        let proxy = parse("http://ann:secret@p:1").expect("valid");
        assert!(!format!("{proxy:?} {proxy}").contains("Basic"));
    }
}
