//! Whose part of the way a hop is: the client's own network, its provider's, somebody's in between, the destination's.

use std::net::IpAddr;

use super::{HopSummary, TraceSummary};

/// Whose part of the way a hop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Segment {
    /// The client's own network: private addresses at the beginning.
    Lan,
    /// The network that the client's public address belongs to.
    Access,
    /// Another network than the client's and the destination's.
    Transit,
    /// The destination's network, or the destination itself.
    Destination,
}

impl Segment {
    /// Every segment, nearest first.
    pub const ALL: [Self; 4] = [Self::Lan, Self::Access, Self::Transit, Self::Destination];

    /// Gives the word for it on screens and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lan => "lan",
            Self::Access => "access",
            Self::Transit => "transit",
            Self::Destination => "destination",
        }
    }
}

impl TraceSummary {
    /// Labels every hop by the networks of its most frequent address; `client` is the number of the client's own, where
    /// that is known. What cannot be told stays `None`: silence, and addresses that are in no database.
    pub fn label(&mut self, client: Option<u32>) {
        let end = self.hops.len().checked_sub(1).filter(|_| self.reached);
        let destination = end.and_then(|last| network(&self.hops[last]));
        let mut at_home = true;
        for (at, hop) in self.hops.iter_mut().enumerate() {
            let Some(first) = hop.addresses.first() else {
                hop.segment = None;
                continue;
            };
            let by_network = network(hop).and_then(|number| match (client, destination) {
                (Some(client), _) if client == number => Some(Segment::Access),
                (_, Some(destination)) if destination == number => Some(Segment::Destination),
                (Some(_), _) => Some(Segment::Transit),
                (None, _) => None,
            });
            at_home &= network(hop).is_none() && is_private(first.address);
            hop.segment = if at_home {
                Some(Segment::Lan)
            } else if end == Some(at) {
                Some(Segment::Destination)
            } else {
                by_network
            };
        }
    }
}

fn network(hop: &HopSummary) -> Option<u32> {
    hop.addresses.first()?.network.as_ref().map(|network| network.number)
}

/// Carriers' shared space is not among them: it lies at the provider's.
const fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::HopAddress;
    use super::*;
    use crate::Ttl;
    use crate::network::AutonomousSystem;
    use crate::summary::Measured;

    fn hop(text: &str) -> HopSummary {
        let (address, number) = text.split_once('/').unwrap_or((text, ""));
        let network = number.parse().ok().map(|number| AutonomousSystem { number, name: None });
        let answerer = |address| HopAddress { address, name: None, network };
        HopSummary {
            ttl: Ttl::FIRST,
            addresses: address.parse().ok().map(answerer).into_iter().collect(),
            sent: 1,
            received: 1,
            loss_ratio: None,
            loss_persists: false,
            rtt: None,
            segment: Some(Segment::Transit),
        }
    }

    #[test]
    fn hops_are_labelled_by_whose_they_are() {
        let client = Some(64_500);
        let table = [
            (
                "192.168.0.1 - 100.64.0.1 203.0.113.1/64500 198.51.100.1/64501 192.0.2.1/64502 192.0.2.9/64502",
                true,
                client,
                "lan - - access transit destination destination",
            ),
            // Without a database.
            ("10.0.0.1 fe80::1 203.0.113.1 10.0.0.2 192.0.2.9", true, None, "lan lan - - destination"),
            ("192.168.0.1", true, None, "lan"),
            ("fd00::1 2001:db8::1", false, None, "lan -"),
            // The client's network is not known.
            ("203.0.113.1/64500 192.0.2.1/64502 192.0.2.9/64502", true, None, "- destination destination"),
            // The destination is in the client's network; or was not reached.
            ("203.0.113.1/64500 203.0.113.9/64500", true, client, "access destination"),
            ("203.0.113.1/64500 192.0.2.1/64502", false, client, "access transit"),
            // An address that the database knows is nobody's own.
            ("10.0.0.1/64500 10.0.0.2", false, client, "access -"),
            ("", false, client, ""),
        ];
        for (path, reached, client, expected) in table {
            let hops = path.split_whitespace().map(hop).collect();
            let mut summary = TraceSummary { measured: Measured::default(), reached, rounds: 1, hops };
            summary.label(client);
            let words: Vec<_> = summary.hops.iter().map(|hop| hop.segment.map_or("-", Segment::word)).collect();
            assert_eq!(words.join(" "), expected, "{path}");
        }
    }
}
