//! Asks the system for its proxy settings. What it says is read elsewhere; a system that says nothing in time says
//! nothing.

use super::settings::Settings;

/// How long a program that tells the settings may take: it reads a file or asks a daemon.
#[cfg(unix)]
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(1_500);

/// Gives the settings of the desktop that this runs in.
#[cfg(all(unix, not(target_os = "macos")))]
pub(super) async fn settings(var: impl Fn(&str) -> Option<String>) -> Vec<Settings> {
    let desktop = var("XDG_CURRENT_DESKTOP").unwrap_or_default().to_ascii_uppercase();
    if desktop.split(':').any(|name| name == "KDE") {
        let config = var("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty());
        let folder = config.or_else(|| Some(format!("{}/.config", var("HOME")?)));
        let text = folder.and_then(|folder| std::fs::read_to_string(format!("{folder}/kioslaverc")).ok());
        return text.map(|text| super::settings::kde(&text)).into_iter().collect();
    }
    if desktop.is_empty() {
        return Vec::new();
    }
    // GNOME's settings are kept by most other desktops too.
    let said = ask("gsettings", &["list-recursively", "org.gnome.system.proxy"]).await;
    said.map(|text| super::settings::gnome(&text)).into_iter().collect()
}

/// Gives the settings of the network that this computer uses now.
#[cfg(target_os = "macos")]
pub(super) async fn settings(_var: impl Fn(&str) -> Option<String>) -> Vec<Settings> {
    let said = ask("/usr/sbin/scutil", &["--proxy"]).await;
    said.map(|text| super::settings::scutil(&text)).into_iter().collect()
}

#[cfg(unix)]
async fn ask(program: &str, args: &[&str]) -> Option<String> {
    use std::process::Stdio;
    let mut command = tokio::process::Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Gives the settings of this user, then those of the system's services.
#[cfg(windows)]
#[expect(clippy::unused_async, reason = "other systems are asked by a program that takes time")]
pub(super) async fn settings(_var: impl Fn(&str) -> Option<String>) -> Vec<Settings> {
    winhttp::user().into_iter().chain(winhttp::services()).collect()
}

/// No setting of such a system is known.
#[cfg(not(any(unix, windows)))]
pub(super) async fn settings(_var: impl Fn(&str) -> Option<String>) -> Vec<Settings> {
    Vec::new()
}

#[cfg(windows)]
mod winhttp;
