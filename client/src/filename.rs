//! The code and the host that a downloaded program carries in its name: `cnc-CODE@HOST[_PORT]@.exe`. Pure.
//!
//! A renamed file must not lead users to a stranger, so a host from here is only a proposal until it is confirmed.

use cnc_model::{Code, HostName};

use crate::config::ListenerUrl;

/// What a file name says.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The code.
    pub code: Code,
    /// The listener.
    pub listener: ListenerUrl,
}

/// Reads a program's file name up to the second `@`, so that what browsers append (` (1)`) does no harm. `None` when
/// it carries nothing, or nothing that can be read.
#[must_use]
pub fn read(file_name: &str) -> Option<Named> {
    let (code, rest) = file_name.strip_prefix("cnc-")?.split_once('@')?;
    let (place, _) = rest.split_once('@')?;
    // Colons cannot stand in Windows file names, so the port follows an underscore; host names have none at the end.
    let (host, port) = match place.rsplit_once('_') {
        Some((host, port)) => (host, Some(port.parse::<u16>().ok()?)),
        None => (place, None),
    };
    let host: HostName = host.parse().ok()?;
    Some(Named { code: code.parse().ok()?, listener: ListenerUrl::of_host(&host, port) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_code_and_host() {
        for (name, listener) in [
            ("cnc-K7QX-M2PA@check.example.com@.exe", "https://check.example.com"),
            ("cnc-K7QX-M2PA@check.example.com@ (1).exe", "https://check.example.com"),
            ("cnc-k7qxm2pa@check.example.com_8443@", "https://check.example.com:8443"),
            ("cnc-K7QX-M2PA@192.0.2.1_443@.exe", "https://192.0.2.1"),
            ("cnc-K7QX-M2PA@127.0.0.1_8080@", "http://127.0.0.1:8080"),
            ("cnc-K7QX-M2PA@good.example@evil.example@.exe", "https://good.example"),
        ] {
            let named = read(name).expect(name);
            assert_eq!((named.code.to_string().as_str(), named.listener.to_string().as_str()), ("K7QX-M2PA", listener));
        }
    }

    #[test]
    fn other_names_carry_nothing() {
        for name in [
            "",
            "cnc",
            "cnc.exe",
            "cnc-1.2.exe",
            "cnc-K7QX-M2PA@check.example.com.exe",
            "cnc-K7QX@check.example.com@.exe",
            "cnc-K7QX-M2PA@@.exe",
            "cnc-K7QX-M2PA@host_99999@.exe",
            "cnc-K7QX-M2PA@host_@.exe",
            "cnc-K7QX-M2PA@ev il@.exe",
            "cnc-K7QX-M2PA@host/path@.exe",
            "xcnc-K7QX-M2PA@host@.exe",
        ] {
            assert_eq!(read(name), None, "{name}");
        }
    }
}
