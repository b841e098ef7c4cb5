//! Lists of hosts that are reached without a proxy, as each system writes them. Pure.

use std::net::IpAddr;

use crate::config::ListenerUrl;

/// Tells whether a list of hosts, domains, addresses and networks holds the listener. Entries are separated by commas,
/// semicolons or spaces; `<local>` stands for names without a dot.
pub(super) fn is_exempt(url: &ListenerUrl, list: &str) -> bool {
    list.split([',', ';', ' ', '|']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.to_ascii_lowercase();
        let entry = entry.split_once("://").map_or(entry.as_str(), |(_, rest)| rest);
        if entry == "*" {
            return true;
        }
        let host = url.host().as_str();
        if let Some(address) = url.host().address() {
            let same = entry.trim_matches(['[', ']']).parse() == Ok(address);
            let begins = entry.strip_suffix('*').is_some_and(|begin| !begin.is_empty() && host.starts_with(begin));
            return same || begins || in_network(address, entry);
        }
        if entry == "<local>" {
            return !host.contains('.');
        }
        let (name, port) = entry.rsplit_once(':').map_or((entry, None), |(name, port)| (name, Some(port)));
        let name = name.trim_start_matches('*').trim_start_matches('.');
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

#[cfg(test)]
mod tests {
    use super::*;

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
            ("https://check.example.com", "10.*;*.example.com;<local>", true),
            ("https://check.example.com", "10.*;<local>", false),
            ("https://check", "<local>", true),
            ("https://10.1.2.3", "10.*", true),
            ("https://110.1.2.3", "10.*", false),
            ("https://10.1.2.3", "10.0.0.0/8", true),
            ("https://11.1.2.3", "10.0.0.0/8", false),
            ("https://[2001:db8::5]", "2001:db8::/32", true),
            ("https://10.1.2.3", "10.1.2.3", true),
            ("https://check.example.com", "", false),
        ] {
            assert_eq!(is_exempt(&url.parse().expect("valid"), list), exempt, "{url} {list}");
        }
    }
}
