//! What DNS and HTTP tests need before they begin: whom to ask, whom to trust, and whether that is allowed.

use std::net::IpAddr;
use std::sync::Arc;

use cnc_model::test::{DnsTest, HttpTest};
use cnc_model::{Failure, Family, HostName, Reason};
use cnc_probe::HttpTarget;

use super::aim::{Landmarks, aim};
use super::measure::Job;
use super::{Grounds, Own};
use crate::policy::Addresses;
use crate::proxy::Proxy;
use crate::tls::{self, HTTP_1_1, Trust};

/// Finds whom to ask for a name: the one who is named, else each of the system's DNS servers and its own resolver.
///
/// # Errors
/// Says why nobody is there to ask, or why it is not allowed.
pub async fn dns(test: DnsTest, landmarks: &Landmarks, rules: Option<&Addresses>) -> Result<Job, Failure> {
    let DnsTest { name, server } = test;
    let Some(server) = server else {
        return Ok(Job::Dns { name, servers: landmarks.resolvers.clone(), system: true });
    };
    let server = aim(&server, Family::Any, landmarks, rules).await?;
    Ok(Job::Dns { name, servers: vec![server.address], system: false })
}

/// Finds how a URL is reached. Where a listener names it, its addresses are held against the rules, and asked are those
/// that its name has now.
///
/// # Errors
/// Says why there is nothing to ask, or why it is not allowed.
pub(super) async fn http(test: HttpTest, grounds: &Grounds) -> Result<HttpTarget, Failure> {
    let HttpTest { url, family } = test;
    if let Some(Own { listener, proxy }) = &grounds.own {
        // Whether somebody on the way answers in the place of others shows without the proxy.
        let proxy = proxy.clone().filter(|_| url.starts_with(&listener.to_string()));
        return Ok(http_target(url, family, &grounds.trust, proxy, |_| true));
    }
    let found = cnc_probe::resolve(&host(&url)?, family).await.map_err(|error| error.failure())?;
    for &address in &found {
        grounds.rules.check(address)?;
    }
    let admit = move |candidate: IpAddr| found.contains(&candidate);
    let expected_issuer = grounds.issuer.clone().filter(|_| is_listener(&url, grounds));
    // Where a proxy would lead to, the policy could not see.
    Ok(HttpTarget { expected_issuer, ..http_target(url, family, &grounds.trust, None, admit) })
}

/// Tells whether a URL is of the connected listener: the same host and port, by TLS.
fn is_listener(url: &str, grounds: &Grounds) -> bool {
    let place = |url: &str| {
        let uri: http::Uri = url.parse().ok()?;
        let is_tls = uri.scheme_str() == Some("https");
        is_tls.then(|| Some((uri.host()?.to_ascii_lowercase(), uri.port_u16().unwrap_or(443))))?
    };
    let listener = grounds.speed.as_ref().and_then(|speed| place(&speed.listener.to_string()));
    listener.is_some() && place(url) == listener
}

/// Puts together how a URL is asked.
pub fn http_target(
    url: String,
    family: Family,
    trust: &Trust,
    proxy: Option<Proxy>,
    admit: impl Fn(IpAddr) -> bool + Send + Sync + 'static,
) -> HttpTarget {
    let watchful = trust.watchful(HTTP_1_1);
    let (seen, told) = (watchful.seen.clone(), watchful.seen);
    HttpTarget {
        url,
        family,
        tls: watchful.config,
        proxy,
        issuer: Arc::new(move || seen.issuer()),
        expected_issuer: None,
        words: Arc::new(move |error| tls::words(error, told.issuer().as_deref())),
        admit: Arc::new(admit),
    }
}

/// Gives the host of a URL that a test names.
pub(super) fn host(url: &str) -> Result<HostName, Failure> {
    let absent = || Failure::new(Reason::NotPresent, format!("{url} is no address that can be opened"));
    let uri: http::Uri = url.parse().map_err(|_| absent())?;
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host.parse().map_err(|_| absent())
}
