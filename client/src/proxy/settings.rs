//! A system's proxy settings as it writes them down, read. Pure.

use std::collections::BTreeMap;

use super::Source;

/// What a system says of proxies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// The proxy for `https`, and for `http`, as texts.
    pub(super) https: Option<String>,
    pub(super) http: Option<String>,
    /// What is reached without.
    pub(super) exempt: String,
    /// Whether a script would choose the proxy.
    pub(super) script: bool,
    /// Who says so.
    pub(super) source: Source,
}

impl Settings {
    fn none(source: Source) -> Self {
        Self { https: None, http: None, exempt: String::new(), script: false, source }
    }
}

/// Joins a host and a port; `None` where there is no host.
fn place(host: Option<&str>, port: Option<&str>) -> Option<String> {
    let host = host.filter(|host| !host.is_empty())?;
    let bare = host.split_once("://").map_or(host, |(_, rest)| rest);
    let bracketed = if bare.matches(':').count() > 1 && !bare.starts_with('[') {
        format!("[{bare}]")
    } else {
        host.trim_end_matches('/').to_owned()
    };
    Some(match port.filter(|port| !matches!(*port, "" | "0")) {
        Some(port) => format!("{bracketed}:{port}"),
        None => bracketed,
    })
}

/// Reads what `gsettings list-recursively org.gnome.system.proxy` prints.
#[cfg_attr(
    not(any(test, all(unix, not(target_os = "macos")))),
    expect(dead_code, reason = "GNOME is on other systems")
)]
pub(super) fn gnome(text: &str) -> Settings {
    let mut values = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.trim().splitn(3, ' ');
        if let (Some(schema), Some(key), Some(value)) = (words.next(), words.next(), words.next()) {
            let group = schema.strip_prefix("org.gnome.system.proxy").unwrap_or(schema);
            values.insert(format!("{group}/{key}"), value.trim().trim_matches('\'').to_owned());
        }
    }
    let value = |key: &str| values.get(key).map(String::as_str);
    let none = Settings::none(Source::Gnome);
    match value("/mode") {
        Some("manual") => Settings {
            https: place(value(".https/host"), value(".https/port")),
            http: place(value(".http/host"), value(".http/port")),
            exempt: value("/ignore-hosts").unwrap_or_default().replace(['[', ']', '\''], ""),
            ..none
        },
        Some("auto") => Settings { script: true, ..none },
        Some(_) | None => none,
    }
}

/// Reads KDE's `kioslaverc`.
#[cfg_attr(not(any(test, all(unix, not(target_os = "macos")))), expect(dead_code, reason = "KDE is on other systems"))]
pub(super) fn kde(text: &str) -> Settings {
    let mut inside = false;
    let mut values = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == "[Proxy Settings]";
        } else if let Some((key, value)) = line.split_once('=').filter(|_| inside) {
            values.insert(key.trim().trim_end_matches("[$e]"), value.trim());
        }
    }
    // A host and a port with a space between them, as KDE writes them.
    let proxy = |key: &str| {
        let (host, port) = values.get(key)?.split_once(' ').map_or((*values.get(key)?, None), |(h, p)| (h, Some(p)));
        place(Some(host), port)
    };
    let none = Settings::none(Source::Kde);
    match values.get("ProxyType").copied() {
        Some("1") if values.get("ReversedException").copied() != Some("true") => Settings {
            https: proxy("httpsProxy"),
            http: proxy("httpProxy"),
            exempt: values.get("NoProxyFor").copied().unwrap_or_default().to_owned(),
            ..none
        },
        Some("2" | "3") => Settings { script: true, ..none },
        Some(_) | None => none,
    }
}

/// Reads what `scutil --proxy` prints.
#[cfg_attr(not(any(test, target_os = "macos")), expect(dead_code, reason = "macOS alone prints it"))]
pub(super) fn scutil(text: &str) -> Settings {
    let mut values = BTreeMap::new();
    let mut exempt = Vec::new();
    for line in text.lines().map(str::trim) {
        let Some((key, value)) = line.split_once(" : ") else { continue };
        if key.parse::<u32>().is_ok() {
            exempt.push(value);
        } else {
            values.insert(key, value);
        }
    }
    let is_on = |key: &str| values.get(key) == Some(&"1");
    let proxy = |kind: &str| {
        let value = |what: &str| values.get(format!("{kind}{what}").as_str()).copied();
        place(value("Proxy"), value("Port")).filter(|_| is_on(&format!("{kind}Enable")))
    };
    if is_on("ExcludeSimpleHostnames") {
        exempt.push("<local>");
    }
    Settings {
        https: proxy("HTTPS"),
        http: proxy("HTTP"),
        exempt: exempt.join(","),
        script: is_on("ProxyAutoConfigEnable") || is_on("ProxyAutoDiscoveryEnable"),
        source: Source::Mac,
    }
}

/// Reads the proxies as Windows writes them: `p:8080`, or `http=p:80;https=q:81`.
#[cfg_attr(not(any(test, windows)), expect(dead_code, reason = "Windows alone writes it"))]
pub(super) fn windows(proxies: &str, exempt: &str, script: bool, source: Source) -> Settings {
    let mut settings = Settings { exempt: exempt.to_owned(), script, ..Settings::none(source) };
    for entry in proxies.split([';', ' ']).map(str::trim).filter(|entry| !entry.is_empty()) {
        match entry.split_once('=') {
            Some(("https", proxy)) => settings.https = place(Some(proxy), None),
            Some(("http", proxy)) => settings.http = place(Some(proxy), None),
            // A proxy of another kind.
            Some(_) => {}
            None => {
                settings.https = settings.https.or(place(Some(entry), None));
                settings.http = settings.http.or(place(Some(entry), None));
            }
        }
    }
    settings
}

#[cfg(test)]
mod tests;
