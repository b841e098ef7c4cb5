//! What goes to BigQuery, column by column: the one definition that the tables there, the reading of the store and the
//! rows on the wire are all made of. Columns are only ever added, at a table's end.

/// One of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Sessions, a row for each version.
    Sessions,
    /// Tests, a row for each version.
    Tests,
    /// Findings, a row for each version.
    Findings,
    /// Samples, which never change.
    Samples,
}

impl Kind {
    /// All tables in the order of export: what samples belong to goes before them.
    pub const ALL: [Self; 4] = [Self::Sessions, Self::Tests, Self::Findings, Self::Samples];

    /// Gives the table's name, here and there.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Tests => "tests",
            Self::Findings => "findings",
            Self::Samples => "samples",
        }
    }

    /// Gives the table's definition.
    #[must_use]
    pub const fn table(self) -> &'static Table {
        match self {
            Self::Sessions => &SESSIONS,
            Self::Tests => &TESTS,
            Self::Findings => &FINDINGS,
            Self::Samples => &SAMPLES,
        }
    }
}

/// A table as it is in BigQuery, and where its columns come from.
#[derive(Debug)]
pub struct Table {
    /// What a row is.
    pub description: &'static str,
    /// The columns, in the order of their numbers on the wire.
    pub columns: &'static [Column],
    /// The column of time whose days the table is divided by.
    pub partition: &'static str,
    /// The columns that rows lie together by.
    pub cluster: &'static [&'static str],
    /// What names a row within its session; 0 where the session is the row.
    pub item: &'static str,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub holds: Holds,
    /// The store's expression for it, where `x` is the row, `s` its session, `t` its test, `r` its version.
    pub source: &'static str,
    /// Whether it always has a value.
    pub required: bool,
    /// What it is.
    pub description: &'static str,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Real,
    /// Yes or no.
    Flag,
    /// A moment, in microseconds since 1970.
    Time,
    /// Bytes.
    Bytes,
    /// By which probes a test asks: a text, read from its parameters.
    Protocol,
}

const fn column(name: &'static str, holds: Holds, source: &'static str, description: &'static str) -> Column {
    Column { name, holds, source, required: false, description }
}

const fn required(column: Column) -> Column {
    Column { required: true, ..column }
}

const fn text(name: &'static str, source: &'static str, description: &'static str) -> Column {
    column(name, Holds::Text, source, description)
}

const fn integer(name: &'static str, source: &'static str, description: &'static str) -> Column {
    column(name, Holds::Integer, source, description)
}

const fn real(name: &'static str, source: &'static str, description: &'static str) -> Column {
    column(name, Holds::Real, source, description)
}

const fn flag(name: &'static str, source: &'static str, description: &'static str) -> Column {
    column(name, Holds::Flag, source, description)
}

const fn time(name: &'static str, source: &'static str, description: &'static str) -> Column {
    column(name, Holds::Time, source, description)
}

const SESSION_ID: Column =
    required(text("session_id", "x.session_id", "The session: 16 characters that sort by creation"));
const VERSION: Column =
    required(integer("version", "r.version", "Counts up with every change; the view ..._latest has the last"));
const ASN: Column = integer("asn", "s.asn", "The number of the network (AS) that the client came from");
const AS_NAME: Column = text("as_name", "s.as_name", "The name of the network that the client came from");

const SESSIONS: Table = Table {
    description: "Sessions of clients with a listener, a row for each version",
    partition: "created",
    cluster: &["session_id", "asn"],
    item: "0",
    columns: &[
        SESSION_ID,
        VERSION,
        text("label", "x.label", "What staff called it"),
        text("plan", "x.plan", "The plan that it began with"),
        flag("walk_in", "x.walk_in", "Whether the client came by itself"),
        text("state", "x.state", "waiting, joined, active, ending, ended"),
        text("end_reason", "x.end_reason", "staff, user, consent_refused, plan_done, idle, lost, never_joined"),
        required(time("created", "x.created_us", "When it was made")),
        time("joined", "x.joined_us", "When a client joined"),
        time("consented", "x.consented_us", "When the user agreed"),
        time("ended", "x.ended_us", "When it ended"),
        text("client_version", "x.client_version", "The client's version"),
        text("public_address", "x.public_address", "The client's address as the listener last saw it"),
        ASN,
        AS_NAME,
        integer("clock_offset_us", "x.clock_offset_us", "The client's clock minus the listener's, in microseconds"),
    ],
};

const FINDINGS: Table = Table {
    description: "What was found wrong in sessions, a row for each version",
    partition: "found",
    cluster: &["session_id", "rule"],
    item: "x.finding_id",
    columns: &[
        SESSION_ID,
        required(integer("finding_id", "x.finding_id", "The finding's number in its session")),
        VERSION,
        text("rule", "x.rule", "The rule that found it, with its version"),
        text("title", "x.title", "It in plain words"),
        text("confidence", "x.confidence", "low, medium, high"),
        text("evidence", "x.evidence", "JSON: the figures that it rests on"),
        required(time("found", "x.found_us", "When it was found")),
    ],
};

const SAMPLES: Table = Table {
    description: "What tests observed: replies to pings, hops of traces, intervals of downloads and uploads",
    partition: "at",
    cluster: &["session_id", "destination", "asn"],
    item: "0",
    columns: &[
        SESSION_ID,
        required(integer("sequence", "x.sequence", "The sample's place in its session")),
        required(integer("test_id", "x.test_id", "The test that observed it")),
        text("kind", "x.kind", "ping, hop, throughput"),
        text("destination", "t.destination", "What the test was aimed at, as it was named"),
        ASN,
        AS_NAME,
        required(time(
            "at",
            "coalesce(t.started_us, t.issued_us, s.created_us) + x.at_us",
            "When it was observed, by the listener's clock",
        )),
        integer(
            "at_us",
            "x.at_us",
            "Microseconds since the test began; throughput: since bytes flowed, at the interval's end",
        ),
        text(
            "outcome",
            "x.outcome",
            "ping: reply, lost, late, unreachable, error; hop: hop, silent, destination, unreachable",
        ),
        integer("number", "x.number", "ping: the probe's number from 0; hop: the round from 0"),
        integer("hop", "x.hop", "hop: the distance"),
        text("address", "x.address", "Who answered"),
        integer("rtt_us", "x.rtt_us", "The round trip in microseconds; throughput: the latency under load"),
        integer("reply_ttl", "x.reply_ttl", "ping: the reply's remaining TTL"),
        text("clock", "x.clock", "ping: kernel or user, whoever took the times"),
        text("direction", "x.direction", "throughput: download, upload"),
        integer("interval_us", "x.interval_us", "throughput: the measured length in microseconds"),
        integer("flow_count", "x.flow_count", "throughput: connections"),
        integer("bytes", "x.bytes", "throughput: payload that arrived in the interval"),
        text("phase", "x.phase", "throughput: ramp, steady"),
    ],
};

const TESTS: Table = Table {
    description: "Tests with their figures, a row for each version; what was not measured is NULL",
    partition: "issued",
    cluster: &["session_id", "destination", "asn"],
    item: "x.test_id",
    columns: &[
        SESSION_ID,
        required(integer("test_id", "x.test_id", "The test's number in its session")),
        VERSION,
        text("kind", "x.kind", "system, ping, trace, download, upload, mtu, dns, http"),
        text("destination", "x.destination", "What it was aimed at, as it was named"),
        ASN,
        AS_NAME,
        integer("stage", "x.stage", "The plan's stage"),
        text("issued_by", "x.issued_by", "Who asked for it"),
        required(time("issued", "x.issued_us", "When it was asked for")),
        time("started", "x.started_us", "When it began"),
        time("ended", "x.ended_us", "When it was over"),
        text("outcome", "x.outcome", "completed, failed, cancelled"),
        text("failure_reason", "x.failure_reason", "The kind of failure, for programs"),
        text("failure_message", "x.failure_message", "What happened, in plain words"),
        text("failure_hint", "x.failure_hint", "What would help"),
        column("params", Holds::Bytes, "x.params", "cnc.v1.Test: every parameter"),
        column("summary", Holds::Bytes, "x.summary", "cnc.v1.Summary: every figure; the columns repeat the main ones"),
        text("host", "x.host", "The destination as it was measured"),
        text("address", "x.address", "The address that was measured"),
        text(
            "method",
            "x.method",
            "How the figures are defined, like ping/1: those of different ones are not comparable",
        ),
        text("engine", "x.engine", "What measured"),
        integer("shed", "x.shed", "Samples that the measuring loop dropped"),
        integer("sent", "x.sent", "Probes"),
        integer("received", "x.received", "Replies"),
        real("loss_ratio", "x.loss_ratio", "0 to 1"),
        integer("late", "x.late", "Replies after the timeout"),
        integer("duplicates", "x.duplicates", "Replies that came twice"),
        integer("reordered", "x.reordered", "Replies that were overtaken"),
        integer("unreachable", "x.unreachable", "ICMP errors in place of replies"),
        integer("not_sent", "x.not_sent", "Probes that could not be sent"),
        integer("rtt_min_us", "x.rtt_min_us", "Round trips in microseconds: the least"),
        integer("rtt_mean_us", "x.rtt_mean_us", "The mean"),
        integer("rtt_median_us", "x.rtt_median_us", "The median"),
        integer("rtt_p90_us", "x.rtt_p90_us", "The 90th percentile"),
        integer("rtt_p95_us", "x.rtt_p95_us", "The 95th percentile"),
        integer("rtt_p99_us", "x.rtt_p99_us", "The 99th percentile"),
        integer("rtt_max_us", "x.rtt_max_us", "The greatest"),
        integer("rtt_stddev_us", "x.rtt_stddev_us", "The standard deviation"),
        integer("jitter_us", "x.jitter_us", "The mean difference of consecutive round trips"),
        integer("pdv_us", "x.pdv_us", "The 95th percentile less the least"),
        flag("reached", "x.reached", "Whether the destination answered"),
        integer("rounds", "x.rounds", "trace: rounds"),
        integer("hop_count", "x.hop_count", "trace: hops"),
        real("goodput_bps", "x.goodput_bps", "download, upload: payload over the whole time, bits a second"),
        real("steady_bps", "x.steady_bps", "download, upload: over the steady part, bits a second"),
        integer("bytes", "x.bytes", "download, upload: payload; http: of the body"),
        integer("duration_us", "x.duration_us", "How long it took, in microseconds"),
        integer("flows", "x.flows", "download, upload: connections"),
        text("confidence", "x.confidence", "download, upload: low, medium, high"),
        text("stopped_by", "x.stopped_by", "download, upload: duration, bytes, end, cancelled, broken"),
        integer("sender_bytes", "x.sender_bytes", "download, upload: what the sender counted"),
        integer("idle_rtt_us", "x.idle_rtt_us", "download, upload: the round trip before the load"),
        integer("loaded_rtt_us", "x.loaded_rtt_us", "download, upload: the round trip under load"),
        integer("added_rtt_us", "x.added_rtt_us", "download, upload: what the load added to it"),
        text("bufferbloat_grade", "x.bufferbloat_grade", "A+, A, B, C, D, F"),
        integer("path_mtu_bytes", "x.path_mtu_bytes", "mtu: the largest packet that arrived in one piece"),
        flag("black_hole", "x.black_hole", "mtu: whether larger packets vanish without a word"),
        integer("http_status", "x.http_status", "http: the status"),
        integer("dns_us", "x.dns_us", "dns: the first answer; http: finding the name"),
        integer("tcp_us", "x.tcp_us", "http: connecting"),
        integer("tls_us", "x.tls_us", "http: the TLS handshake"),
        integer("first_byte_us", "x.first_byte_us", "http: request to first byte"),
        real("rpm", "x.rpm", "download, upload: round trips a minute that the load leaves to everything else"),
        flag("contended", "x.contended", "download, upload: whether others took more than their share meanwhile"),
        real("listener_cpu", "x.listener_cpu", "The listener's processors' busiest stretch, 0 to 1"),
        integer("listener_tests", "x.listener_tests", "The most throughput tests at one time, this one included"),
        real("uplink_share", "x.uplink_share", "The most that all tests took of the listener's uplink"),
        integer("waited_us", "x.waited_us", "How long the test waited for its turn"),
        integer("tcp_retransmitted_bytes", "x.tcp_retransmitted_bytes", "The listener's kernel: sent again"),
        integer("tcp_min_rtt_us", "x.tcp_min_rtt_us", "The least round trip of all connections"),
        integer("tcp_rtt_us", "x.tcp_rtt_us", "The mean of the smoothed ones at the end"),
        integer("tcp_busy_us", "x.tcp_busy_us", "With something to send"),
        integer("tcp_rwnd_limited_us", "x.tcp_rwnd_limited_us", "Of it: held up by the receiver's window"),
        integer("tcp_sndbuf_limited_us", "x.tcp_sndbuf_limited_us", "Of it: held up by the sender's buffer"),
        column(
            "protocol",
            Holds::Protocol,
            "x.params",
            "ping, trace: icmp, tcp, udp; round trips of different ones are not comparable",
        ),
    ],
};
