//! Responsiveness: how many round trips a minute a loaded line leaves to everything else (`rpm/1`), as
//! draft-ietf-ippm-responsiveness-09 defines it. Pure; the probes are `cnc-probe`'s.

use std::fmt;
use std::time::Duration;

use crate::stats::mean;

/// The share of the fastest values that a trimmed mean keeps, in percent.
pub const KEPT_PERCENT: usize = 95;

/// Round trips a minute on a loaded line.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rpm(f64);

impl Rpm {
    /// Takes a number that was measured; `None` for one that is none.
    #[must_use]
    pub fn from_per_minute(value: f64) -> Option<Self> {
        (value.is_finite() && value >= 0.0).then_some(Self(value))
    }

    /// Gives the number.
    #[must_use]
    pub const fn per_minute(self) -> f64 {
        self.0
    }

    /// Gives the word for it: under 300 poor, under 1,000 fair, under 6,000 good, else excellent.
    #[must_use]
    pub fn word(self) -> &'static str {
        let rows = [(300.0, "poor"), (1_000.0, "fair"), (6_000.0, "good")];
        rows.into_iter().find(|(below, _)| self.0 < *below).map_or("excellent", |(_, word)| word)
    }
}

impl fmt::Display for Rpm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0}", self.0)
    }
}

/// The name and version of this method.
pub const METHOD: &str = "rpm/1";

/// What a loaded line leaves to everything else, and what it is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Responsiveness {
    /// Round trips a minute.
    pub rpm: Rpm,
    /// Since the bytes began to flow: from then on probes went beside the load.
    pub began: Duration,
    /// The trimmed mean of TCP handshakes.
    pub tcp: Duration,
    /// The trimmed mean of the TLS handshakes' round trips; `None` where the listener is reached without TLS.
    pub tls: Option<Duration>,
    /// The trimmed mean of small requests on new connections.
    pub http_new: Duration,
    /// The trimmed mean of small requests on a connection that carries a load.
    pub http_loaded: Duration,
    /// Probes on new connections that were answered.
    pub new_probes: u32,
    /// Probes on the loaded connection that were answered.
    pub loaded_probes: u32,
}

/// What the probes of the last intervals took while the line was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadedProbes {
    /// TCP handshakes of new connections.
    pub tcp: Vec<Duration>,
    /// TLS handshakes of new connections, each divided by its round trips; none where the listener is reached without TLS.
    pub tls: Vec<Duration>,
    /// Small requests on new connections.
    pub http_new: Vec<Duration>,
    /// Small requests on connections that carry the load.
    pub http_loaded: Vec<Duration>,
}

impl LoadedProbes {
    /// Gives ½·[60000 / mean(TM95(tcp), TM95(tls), TM95(http new))] + ½·[60000 / TM95(http on a loaded connection)]
    /// in milliseconds, with its parts; `None` while a part was not measured. Without TLS its handshake is left out of
    /// the mean (the draft's TCP-only case). `began` says from when on probes went.
    #[must_use]
    pub fn summary(&self, began: Duration) -> Option<Responsiveness> {
        let tls = trimmed_mean(&self.tls);
        let (tcp, http_new) = (trimmed_mean(&self.tcp)?, trimmed_mean(&self.http_new)?);
        let http_loaded = trimmed_mean(&self.http_loaded)?;
        let new: Vec<_> = [Some(tcp), tls, Some(http_new)].into_iter().flatten().collect();
        let a_minute = |trip: Duration| 60.0 / trip.as_secs_f64();
        let rpm = Rpm::from_per_minute(a_minute(mean(&new)?).midpoint(a_minute(http_loaded)))?;
        let count = |probes: &[Duration]| u32::try_from(probes.len()).unwrap_or(u32::MAX);
        let (new_probes, loaded_probes) = (count(&self.http_new), count(&self.http_loaded));
        Some(Responsiveness { rpm, began, tcp, tls, http_new, http_loaded, new_probes, loaded_probes })
    }
}

/// Gives the mean of the fastest 95 %, at least of one value; `None` for the empty set.
#[must_use]
pub fn trimmed_mean(values: &[Duration]) -> Option<Duration> {
    let mut values = values.to_vec();
    values.sort_unstable();
    let kept = (values.len() * KEPT_PERCENT).div_ceil(100);
    mean(&values[..kept])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(millis: &[u64]) -> Vec<Duration> {
        millis.iter().map(|&ms| Duration::from_millis(ms)).collect()
    }

    fn rpm(probes: &LoadedProbes) -> Option<f64> {
        probes.summary(Duration::ZERO).map(|found| found.rpm.per_minute())
    }

    #[test]
    fn every_row_of_the_words() {
        let rows = [
            (0.0, "poor"),
            (299.9, "poor"),
            (300.0, "fair"),
            (999.9, "fair"),
            (1_000.0, "good"),
            (5_999.9, "good"),
            (6_000.0, "excellent"),
            (90_000.0, "excellent"),
        ];
        for (value, word) in rows {
            assert_eq!(Rpm::from_per_minute(value).expect("a number").word(), word, "{value}");
        }
        assert_eq!(Rpm::from_per_minute(f64::INFINITY), None);
    }

    #[test]
    fn the_slowest_of_twenty_is_trimmed() {
        let cases: [(&[u64], Option<u64>); 4] =
            [(&[], None), (&[7], Some(7)), (&[10, 20], Some(15)), (&[5; 19], Some(5))];
        for (values, expected) in cases {
            assert_eq!(trimmed_mean(&ms(values)), expected.map(Duration::from_millis), "{values:?}");
        }
        let mut values = vec![10; 19];
        values.push(5_000);
        assert_eq!(trimmed_mean(&ms(&values)), Some(Duration::from_millis(10)));
        values.extend([5_000; 20]);
        assert!(trimmed_mean(&ms(&values)) > Some(Duration::from_secs(2)));
    }

    #[test]
    fn the_formula_weighs_new_and_loaded_connections_alike() {
        let tls = LoadedProbes { tcp: ms(&[100]), tls: ms(&[200]), http_new: ms(&[300]), http_loaded: ms(&[600]) };
        assert_eq!(rpm(&tls), Some(200.0));
        let plain = LoadedProbes { tls: Vec::new(), ..tls.clone() };
        assert_eq!(rpm(&plain), Some(200.0));
        for lacking in [
            LoadedProbes { tcp: Vec::new(), ..tls.clone() },
            LoadedProbes { http_new: Vec::new(), ..tls.clone() },
            LoadedProbes { http_loaded: Vec::new(), ..tls.clone() },
        ] {
            assert_eq!(rpm(&lacking), None);
        }
        assert_eq!(rpm(&LoadedProbes { http_loaded: ms(&[0]), ..tls }), None);
    }

    proptest! {
        #[test]
        fn a_trimmed_mean_lies_between_the_least_and_the_mean(values in proptest::collection::vec(0_u64..10_000, 1..60)) {
            let values = ms(&values);
            let trimmed = trimmed_mean(&values).expect("some");
            prop_assert!(trimmed >= *values.iter().min().expect("some"));
            prop_assert!(trimmed <= mean(&values).expect("some"));
        }
    }
}
