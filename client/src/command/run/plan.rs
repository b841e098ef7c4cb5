//! What is measured while the listener is out of reach: the machine, the first steps of its way out, and what stands
//! between it and the listener. Pure.

use std::time::Duration;

use cnc_model::test::{DnsTest, HttpTest, PingTest};
use cnc_model::{Destination, Family, Test};

use crate::config::ListenerUrl;

/// Gives the tests with their stages.
pub(super) fn of(listener: &ListenerUrl) -> Vec<(u32, Test)> {
    let quick = |destination| PingTest { interval: Duration::from_millis(200), ..PingTest::to(destination) };
    let name = listener.host();
    let dns = name.address().is_none().then(|| Test::Dns(DnsTest { name: name.clone(), server: None }));
    // What comes back without encryption tells of a login page; with it, who signed for the listener.
    let urls = listener.unencrypted().into_iter().chain([listener.clone()]);
    let asked = urls.map(|url| HttpTest { url: format!("{url}/generate_204"), family: Family::Any });
    let near = [Destination::Gateway, Destination::Resolver].map(|to| (1, Test::Ping(quick(to))));
    let far = dns.into_iter().chain(asked.map(Test::Http)).map(|test| (2, test));
    std::iter::once((0, Test::System)).chain(near).chain(far).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_between_is_asked() {
        let table = [
            (
                "https://check.example.com:7443",
                &[
                    "dns check.example.com",
                    "http http://check.example.com/generate_204",
                    "http https://check.example.com:7443/generate_204",
                ][..],
            ),
            ("http://[::1]:8080", &["http http://[::1]:8080/generate_204"]),
        ];
        for (url, expected) in table {
            let tests = of(&url.parse().expect("valid"));
            let far: Vec<_> = tests.iter().filter(|(stage, _)| *stage == 2).map(|(_, test)| test.title()).collect();
            assert_eq!(far, expected);
            for (_, test) in tests {
                assert!(test.checked().is_ok(), "{url}");
            }
        }
    }
}
