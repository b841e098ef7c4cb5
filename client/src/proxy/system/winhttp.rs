//! Windows' proxy settings by WinHTTP: those of the user, which browsers heed, and those of services.

#![expect(unsafe_code, reason = "WinHTTP has no safe form; each call fills a struct whose texts are freed once")]

use super::super::Source;
use super::super::settings::{Settings, windows};

/// `WINHTTP_CURRENT_USER_IE_PROXY_CONFIG`.
#[repr(C)]
struct UserConfig {
    auto_detect: i32,
    script: *mut u16,
    proxy: *mut u16,
    bypass: *mut u16,
}

/// `WINHTTP_PROXY_INFO`.
#[repr(C)]
struct ServiceConfig {
    access_type: u32,
    proxy: *mut u16,
    bypass: *mut u16,
}

#[link(name = "winhttp")]
unsafe extern "system" {
    fn WinHttpGetIEProxyConfigForCurrentUser(config: *mut UserConfig) -> i32;
    fn WinHttpGetDefaultProxyConfiguration(config: *mut ServiceConfig) -> i32;
}

#[link(name = "kernel32")]
unsafe extern "system" {
    fn GlobalFree(memory: *mut u16) -> *mut u16;
}

/// Gives the settings of this user.
pub(super) fn user() -> Option<Settings> {
    let null = std::ptr::null_mut();
    let mut config = UserConfig { auto_detect: 0, script: null, proxy: null, bypass: null };
    // SAFETY: the struct is laid out as the system's own, and lives through the call.
    let filled = unsafe { WinHttpGetIEProxyConfigForCurrentUser(&raw mut config) } != 0;
    let (script, proxy, bypass) = (take(config.script), take(config.proxy), take(config.bypass));
    filled.then(|| windows(&proxy, &bypass, config.auto_detect != 0 || !script.is_empty(), Source::Windows))
}

/// Gives the settings that `netsh winhttp` shows.
pub(super) fn services() -> Option<Settings> {
    let null = std::ptr::null_mut();
    let mut config = ServiceConfig { access_type: 0, proxy: null, bypass: null };
    // SAFETY: the struct is laid out as the system's own, and lives through the call.
    let filled = unsafe { WinHttpGetDefaultProxyConfiguration(&raw mut config) } != 0;
    let (proxy, bypass) = (take(config.proxy), take(config.bypass));
    filled.then(|| windows(&proxy, &bypass, false, Source::WinHttp))
}

/// Reads a text that the system made, and frees it.
fn take(text: *mut u16) -> String {
    if text.is_null() {
        return String::new();
    }
    let mut units = Vec::new();
    // SAFETY: the system ends its texts with a zero, which this does not go beyond, and hands them over to be freed.
    unsafe {
        let mut at = text;
        while *at != 0 {
            units.push(*at);
            at = at.add(1);
        }
        GlobalFree(text);
    }
    String::from_utf16_lossy(&units)
}
