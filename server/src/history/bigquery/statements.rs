//! The statements by which BigQuery answers, in standard SQL: `history/1` word for word, on the samples themselves.
//!
//! No text of anybody's is in them: whatever was asked for is a parameter. `@first` and `@behind` are the whole hours
//! that are looked at, so only their days of `samples` are read; of `tests` and `sessions`, which have a few rows for
//! thousands of samples, a call may have begun long before.

use cnc_proto::support::HistorySubject;

/// The tables as statements name them.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    pub(super) sessions: String,
    pub(super) tests: String,
    pub(super) samples: String,
}

/// Columns of a session that only its overview has.
const OVERVIEW: &str = ", label, plan, walk_in, state, end_reason, created, joined, ended, client_version, \
                        public_address, clock_offset_us";
/// How many values are at or below each, by which the nearest rank is found: exact, and one row a value.
const RANKED: &str = "SUM(times) OVER one AS sent, SUM(IF(value IS NULL, 0, times)) OVER one AS received";
/// The figures of ranked values.
const FIGURES: &str = "MAX(sent) AS sent, MAX(received) AS received, \
    MIN(IF(value IS NOT NULL AND up_to * 100 >= received * 5, value, NULL)) AS p05, \
    MIN(IF(value IS NOT NULL AND up_to * 100 >= received * 50, value, NULL)) AS p50, \
    MIN(IF(value IS NOT NULL AND up_to * 100 >= received * 95, value, NULL)) AS p95";

/// Gives each series' figures: of the whole time, by day and by hour of day. Pings of which the protocol is not known
/// have no kind.
pub(super) fn figures(tables: &Tables, subject: &HistorySubject) -> String {
    format!(
        "WITH {measured}, \
         timed AS (SELECT kind, method, hour * 60 + @ahead AS minute, value FROM measured JOIN calls USING (session_id)), \
         counted AS (SELECT kind, method, minute, value, COUNT(*) AS times FROM timed \
            GROUP BY kind, method, minute, value), \
         grained AS (SELECT kind, method, grain, CASE grain WHEN 'day' THEN DIV(minute, 1440) \
            WHEN 'hour' THEN DIV(MOD(minute, 1440), 60) ELSE 0 END AS place, value, SUM(times) AS times \
            FROM counted CROSS JOIN UNNEST(['whole', 'day', 'hour']) AS grain GROUP BY kind, method, grain, place, value), \
         ranked AS (SELECT kind, method, grain, place, value, {RANKED}, SUM(IF(value IS NULL, 0, times)) OVER (PARTITION BY \
            kind, method, grain, place ORDER BY value ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS up_to \
            FROM grained WINDOW one AS (PARTITION BY kind, method, grain, place)) \
         SELECT kind, method, grain, place, {FIGURES} FROM ranked GROUP BY kind, method, grain, place \
         ORDER BY kind, method, grain, place",
        measured = measured(tables, Some(subject), "")
    )
}

/// Gives destinations, then providers, at most so many of each, the most measured first.
pub(super) fn subjects(tables: &Tables, limit: u32) -> String {
    format!(
        "WITH {measured}, \
         counts AS (SELECT destination, asn, COUNT(*) AS times FROM measured JOIN calls USING (session_id) \
            WHERE kind IS NOT NULL GROUP BY destination, asn), \
         names AS (SELECT asn, MAX_BY(as_name, session_id) AS name FROM calls WHERE asn <> 0 AND as_name IS NOT NULL \
            GROUP BY asn), \
         providers AS (SELECT asn, SUM(times) AS times FROM counts GROUP BY asn) \
         (SELECT destination, NULL AS asn, NULL AS name, SUM(times) AS times FROM counts GROUP BY destination \
            ORDER BY times DESC, destination LIMIT {limit}) \
         UNION ALL (SELECT NULL, asn, name, times FROM providers LEFT JOIN names USING (asn) \
            ORDER BY times DESC, asn LIMIT {limit})",
        measured = measured(tables, None, "")
    )
}

/// Gives the sessions behind a point, at most so many, those that fared worst first: who had no answer at all, then the
/// slowest.
pub(super) fn sessions(tables: &Tables, subject: &HistorySubject, point: Point) -> String {
    let Point { is_ping, has_hour, limit } = point;
    let hour = if has_hour { "AND DIV(MOD(hour * 60 + @ahead, 1440), 60) = @hour" } else { "" };
    let worst = if is_ping { "IFNULL(p95, 9223372036854775807) DESC" } else { "p50" };
    format!(
        "WITH {measured}, \
         wanted AS (SELECT session_id, value FROM measured JOIN calls USING (session_id) \
            WHERE kind = @kind AND method = @method {hour}), \
         parts AS (SELECT session_id, value, COUNT(*) AS times FROM wanted GROUP BY session_id, value), \
         ranked AS (SELECT session_id, value, {RANKED}, SUM(IF(value IS NULL, 0, times)) OVER (PARTITION BY session_id \
            ORDER BY value ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS up_to \
            FROM parts WINDOW one AS (PARTITION BY session_id)), \
         fared AS (SELECT session_id, {FIGURES} FROM ranked GROUP BY session_id) \
         SELECT COUNT(*) OVER () AS total, sent, received, p05, p50, p95, session_id, label, plan, walk_in, state, \
            end_reason, UNIX_MICROS(created), UNIX_MICROS(joined), UNIX_MICROS(ended), client_version, public_address, \
            asn, as_name, clock_offset_us \
         FROM fared JOIN calls USING (session_id) ORDER BY {worst}, session_id LIMIT {limit}",
        measured = measured(tables, Some(subject), OVERVIEW)
    )
}

/// Which sessions are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) is_ping: bool,
    pub(super) has_hour: bool,
    pub(super) limit: u32,
}

/// What was measured, a row for each probe that was sent and each rate that counts: kind, method, session, destination,
/// hour of UTC from 1970, and the value, which lost probes have not. Rows that are there twice count once.
///
/// `calls` are the sessions as they are now, without those that were removed here and are still there; `named` the tests.
fn measured(tables: &Tables, subject: Option<&HistorySubject>, more: &str) -> String {
    let Tables { sessions, tests, samples } = tables;
    let (destination, provider) = match subject {
        Some(HistorySubject::Destination(_)) => ("AND destination = @destination", ""),
        Some(HistorySubject::Provider(_)) => ("", "AND IFNULL(asn, 0) = @asn"),
        Some(HistorySubject::Both(..)) => ("AND destination = @destination", "AND IFNULL(asn, 0) = @asn"),
        None => ("", ""),
    };
    format!(
        "calls AS (SELECT session_id, IFNULL(asn, 0) AS asn, as_name{more} FROM {sessions} \
            WHERE session_id NOT IN UNNEST(@removed) \
            QUALIFY ROW_NUMBER() OVER (PARTITION BY session_id ORDER BY version DESC) = 1 {provider}), \
         named AS (SELECT session_id, test_id, kind, destination, method, protocol, IFNULL(started, issued) AS began, \
            steady_bps, contended FROM {tests} \
            WHERE kind IN ('ping', 'download', 'upload') AND destination IS NOT NULL {destination} \
            QUALIFY ROW_NUMBER() OVER (PARTITION BY session_id, test_id ORDER BY version DESC) = 1), \
         probes AS (SELECT session_id, test_id, MIN(UNIX_MICROS(`at`)) AS sent_us, \
            MIN_BY(IF(outcome = 'reply', IFNULL(rtt_us, 0), NULL), IF(outcome = 'reply', sequence, NULL)) AS rtt_us \
            FROM {samples} WHERE `at` >= @first AND `at` < @behind AND kind = 'ping' AND number IS NOT NULL \
            AND outcome IN ('reply', 'lost', 'unreachable', 'error') {destination} \
            GROUP BY session_id, test_id, number \
            HAVING COUNTIF(outcome = 'reply') > 0 OR MIN(IF(outcome = 'error', NULL, sequence)) \
                < IFNULL(MIN(IF(outcome = 'error', sequence, NULL)), 9223372036854775807)), \
         measured AS (SELECT session_id, CONCAT('ping_', protocol) AS kind, IFNULL(method, @ping) AS method, destination, \
            DIV(sent_us, 3600000000) AS hour, rtt_us AS value \
            FROM probes JOIN named USING (session_id, test_id) WHERE kind = 'ping' \
            UNION ALL SELECT session_id, kind, IFNULL(method, @load), destination, \
            DIV(UNIX_MICROS(began), 3600000000), CAST(ROUND(steady_bps) AS INT64) \
            FROM named WHERE kind <> 'ping' AND steady_bps IS NOT NULL AND contended IS NOT TRUE \
            AND began >= @first AND began < @behind)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `AT` is a keyword of BigQuery's that the emulator does not have, so it cannot tell.
    #[test]
    fn what_was_asked_for_is_never_in_the_text_and_keywords_are_quoted() {
        let tables =
            Tables { sessions: "`p.d.sessions`".into(), tests: "`p.d.tests`".into(), samples: "`p.d.s`".into() };
        let subject = HistorySubject::Both("x' OR TRUE --".into(), 64_500);
        let point = Point { is_ping: true, has_hour: true, limit: 7 };
        let all = [figures(&tables, &subject), subjects(&tables, 7), sessions(&tables, &subject, point)];
        for sql in all {
            assert!(!sql.contains("OR TRUE") && !sql.contains("64500"), "{sql}");
            assert!(!sql.contains("(at)") && !sql.contains(" at "), "{sql}");
        }
    }
}
