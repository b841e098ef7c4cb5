//! What broke a stream, in words. Pure.

use std::error::Error;
use std::io::ErrorKind;

/// What is said of somebody who answers in another protocol.
pub(super) const NOT_HTTP2: &str = "it does not speak HTTP/2";

/// Says who answers in HTTP/1.x, by the status of the answer.
pub(super) const fn of_http1(status: u16) -> &'static str {
    match status {
        300..=399 | 511 => "it leads to another page, as a network's log-in page does",
        _ => NOT_HTTP2,
    }
}

/// Finds the cause that says something: the system's word where there is one, else the innermost.
pub(super) fn cause(error: &(dyn Error + 'static)) -> String {
    let mut chain = vec![error];
    let mut next = error.source();
    while let Some(source) = next {
        chain.push(source);
        next = source.source();
    }
    let system = chain.iter().rev().find_map(|error| error.downcast_ref::<std::io::Error>());
    match system.map(std::io::Error::kind) {
        Some(
            ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::NotConnected,
        ) => "the other end closed it".into(),
        Some(ErrorKind::TimedOut) => "no answer for too long".into(),
        _ => match chain.last().map(ToString::to_string).unwrap_or_default() {
            silent if silent.contains("keep-alive timed out") => "no answer for too long".into(),
            // What HTTP/2's parser says of an answer in HTTP/1.1 or in anything else.
            other if other.contains("frame with invalid size") => NOT_HTTP2.into(),
            other => other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_is_put_into_plain_words() {
        for (kind, words) in [
            (ErrorKind::ConnectionReset, "the other end closed it"),
            (ErrorKind::TimedOut, "no answer for too long"),
            (ErrorKind::NetworkUnreachable, "network unreachable"),
        ] {
            let status = tonic::Status::from_error(Box::new(std::io::Error::from(kind)));
            assert_eq!(cause(&status), words);
        }
    }
}
