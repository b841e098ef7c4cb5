//! The views over the tables, in standard SQL. Percentiles are the nearest rank, as everywhere.

use crate::google::BigQuery;

/// Gives each view's name, its statement and what it is.
pub(super) fn all(bigquery: &BigQuery) -> Vec<(&'static str, String, &'static str)> {
    let latest = |table: &str, key: &str| {
        format!(
            "SELECT * FROM {} WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY version DESC) = 1",
            bigquery.named(table)
        )
    };
    vec![
        ("sessions_latest", latest("sessions", "session_id"), "Sessions as they are now, a row for each"),
        ("tests_latest", latest("tests", "session_id, test_id"), "Tests as they are now, a row for each"),
        ("findings_latest", latest("findings", "session_id, finding_id"), "Findings as they are now, a row for each"),
        (
            "daily_rtt",
            daily_rtt(bigquery),
            "Round trips and loss for each day, kind of probe, destination and provider",
        ),
        ("sessions_worst_test", sessions_worst_test(bigquery), "Sessions, each with the test that went worst"),
    ]
}

/// A probe is one however often it is answered, and lost where its own destination did not answer it in time: a late
/// reply and a router's error are no reply. Of two replies to it the first counts. One that could not be sent counts as
/// nothing. ICMP, TCP and UDP are never added together.
fn daily_rtt(bigquery: &BigQuery) -> String {
    let (samples, tests) = (bigquery.named("samples"), bigquery.named("tests_latest"));
    format!(
        "SELECT DISTINCT day, protocol, destination, asn, as_name, COUNT(*) OVER w AS probes, SUM(lost) OVER w AS lost, \
         SUM(lost) OVER w / COUNT(*) OVER w AS loss_ratio, PERCENTILE_DISC(rtt_us, 0.5) OVER w AS rtt_p50_us, \
         PERCENTILE_DISC(rtt_us, 0.95) OVER w AS rtt_p95_us FROM (SELECT DATE(`at`) AS day, protocol, s.destination, \
         s.asn, s.as_name, IF(COUNTIF(s.outcome = 'reply') > 0, 0, 1) AS lost, \
         MIN_BY(IF(s.outcome = 'reply', s.rtt_us, NULL), IF(s.outcome = 'reply', s.sequence, NULL)) AS rtt_us \
         FROM {samples} AS s LEFT JOIN {tests} AS t ON t.session_id = s.session_id AND t.test_id = s.test_id \
         WHERE s.kind = 'ping' AND s.outcome IN ('reply', 'lost', 'unreachable') \
         GROUP BY day, protocol, s.destination, s.asn, s.as_name, s.session_id, s.test_id, s.number) \
         WINDOW w AS (PARTITION BY day, protocol, destination, asn, as_name)"
    )
}

/// The worst is one that failed, else the one with the most loss, else the one with the longest round trips.
fn sessions_worst_test(bigquery: &BigQuery) -> String {
    let (sessions, tests) = (bigquery.named("sessions_latest"), bigquery.named("tests_latest"));
    format!(
        "SELECT s.session_id, s.label, s.created, s.ended, s.end_reason, s.asn, s.as_name, t.test_id, t.kind, \
         t.destination, t.outcome, t.failure_reason, t.failure_message, t.loss_ratio, t.rtt_p95_us \
         FROM {sessions} AS s LEFT JOIN (SELECT * FROM {tests} WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY \
         session_id ORDER BY IF(outcome = 'failed', 1, 0) DESC, IFNULL(loss_ratio, -1) DESC, \
         IFNULL(rtt_p95_us, -1) DESC, test_id) = 1) AS t ON t.session_id = s.session_id"
    )
}
