//! From what a test is aimed at to the address that is measured, and whether that is allowed.

use std::net::IpAddr;

use cnc_model::{Destination, Failure, Family, Reason};

use crate::policy::Addresses;

/// What is known of the places that tests are aimed at without being named.
#[derive(Debug, Clone, Default)]
pub struct Landmarks {
    /// The address at which the stream reaches the listener.
    pub listener: Option<IpAddr>,
    /// Default gateways, the preferred first.
    pub gateways: Vec<IpAddr>,
    /// DNS servers, in the system's order.
    pub resolvers: Vec<IpAddr>,
}

/// A destination that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As it was named.
    pub host: String,
    /// The address to measure.
    pub address: IpAddr,
}

/// Finds the address of a destination, and holds it against the rules where there are some: what the user types on
/// their own command line has none.
///
/// # Errors
/// Says why there is nothing to measure.
pub async fn aim(
    destination: &Destination,
    family: Family,
    landmarks: &Landmarks,
    rules: Option<&Addresses>,
) -> Result<Target, Failure> {
    let address = match destination {
        Destination::Host(name) => {
            let found = cnc_probe::resolve(name, family).await.map_err(|error| error.failure())?;
            // The system's first choice is what other programs would use too.
            *found.first().ok_or_else(|| absent(format!("{name} has no address")))?
        }
        Destination::Gateway => first(&landmarks.gateways, family, "default gateway")?,
        Destination::Resolver => first(&landmarks.resolvers, family, "DNS server")?,
        Destination::Listener => {
            let listener: Vec<_> = landmarks.listener.into_iter().collect();
            first(&listener, family, "connection to the listener")?
        }
    };
    if let Some(rules) = rules {
        rules.check(address)?;
    }
    Ok(Target { host: destination.to_string(), address })
}

fn first(known: &[IpAddr], family: Family, what: &str) -> Result<IpAddr, Failure> {
    let word = match family {
        Family::Any => "",
        Family::V4 => "IPv4 ",
        Family::V6 => "IPv6 ",
    };
    let found = known.iter().copied().find(|&address| family.admits(address));
    found.ok_or_else(|| absent(format!("this computer has no {word}{what}")))
}

fn absent(message: String) -> Failure {
    Failure::new(Reason::NotPresent, message)
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::policy::{Allowed, Policy, Surroundings};

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[tokio::test]
    async fn destinations_are_found_and_held_against_the_rules() {
        let landmarks = Landmarks {
            listener: Some(ip("192.0.2.9")),
            gateways: vec![ip("192.168.0.1"), ip("fe80::1")],
            resolvers: Vec::new(),
        };
        let surroundings = Surroundings { gateways: landmarks.gateways.clone(), ..Surroundings::default() };
        let policy = Policy::new(Allowed::default(), surroundings, Instant::now());
        let table = [
            ("gateway", Family::Any, Ok("192.168.0.1")),
            ("gateway", Family::V6, Ok("fe80::1")),
            ("resolver", Family::Any, Err(Reason::NotPresent)),
            ("listener", Family::V4, Ok("192.0.2.9")),
            ("listener", Family::V6, Err(Reason::NotPresent)),
            ("198.51.100.1", Family::Any, Ok("198.51.100.1")),
            ("198.51.100.1", Family::V6, Err(Reason::NoRoute)),
            ("10.0.0.1", Family::Any, Err(Reason::RefusedByPolicy)),
            // The rules hold for what the name turned out to be.
            ("localhost", Family::V4, Err(Reason::RefusedByPolicy)),
            ("no-such-name.invalid", Family::Any, Err(Reason::NameNotFound)),
        ];
        for (text, family, expected) in table {
            let destination = text.parse().expect("valid");
            let found = aim(&destination, family, &landmarks, Some(policy.addresses())).await;
            let found = found.map(|target| target.address).map_err(|failure| failure.reason);
            assert_eq!(found, expected.map(ip), "{text} {family:?}");
        }
        let own = aim(&"localhost".parse().expect("valid"), Family::V4, &landmarks, None).await;
        assert_eq!(own.map(|target| target.address), Ok(ip("127.0.0.1")));
    }
}
