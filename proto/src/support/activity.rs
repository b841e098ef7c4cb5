//! Calls about what goes on in live sessions, and about who asks.

use std::time::Duration;

use cnc_model::{SessionId, Test, Timestamp};

use super::Role;
use super::tokens::role;
use crate::scalar::{MAX_NAME_BYTES, bounded, duration, session_id, text, timestamp, us};
use crate::{Invalid, v1};

/// The most sessions that are looked into at once: more than a page of a list shows.
pub const MAX_LOOKED_INTO: usize = 100;
/// The most round trips of a session that are told: what a line as long as a word can show.
pub const MAX_ROUND_TRIPS: usize = 60;
/// The most running tests of a session that are taken: it has far fewer.
const MAX_RUNNING: usize = 1_024;

/// Which live sessions to look into.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListActivity {
    /// Their ids.
    pub sessions: Vec<SessionId>,
}

/// What goes on in a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Activity {
    /// The session.
    pub session: SessionId,
    /// What runs.
    pub running: Vec<Test>,
    /// How many tests wait.
    pub waiting: u32,
    /// The latest round trips of the ping that was heard of last, the oldest first; `None` for a lost probe.
    pub round_trips: Vec<Option<Duration>>,
}

/// What a caller is to this listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhoAmI {
    /// The token's name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The listener's version.
    pub version: String,
    /// The organisation's name, as users see it.
    pub operator: String,
    /// The listener's time.
    pub now: Timestamp,
}

impl From<ListActivity> for v1::ListActivityRequest {
    fn from(request: ListActivity) -> Self {
        let ListActivity { sessions } = request;
        Self { sessions: sessions.iter().map(ToString::to_string).collect() }
    }
}

impl TryFrom<v1::ListActivityRequest> for ListActivity {
    type Error = Invalid;

    fn try_from(wire: v1::ListActivityRequest) -> Result<Self, Invalid> {
        let v1::ListActivityRequest { sessions } = wire;
        let field = "ListActivityRequest.sessions";
        let ids = bounded(field, &sessions, MAX_LOOKED_INTO)?.iter().map(|id| session_id(field, id));
        Ok(Self { sessions: ids.collect::<Result<_, _>>()? })
    }
}

impl From<Activity> for v1::Activity {
    fn from(activity: Activity) -> Self {
        let Activity { session, running, waiting, round_trips } = activity;
        let trip = |rtt: Option<Duration>| v1::RoundTrip { rtt_us: rtt.map(us) };
        Self {
            session: session.to_string(),
            running: running.into_iter().map(Into::into).collect(),
            waiting,
            round_trips: round_trips.into_iter().map(trip).collect(),
        }
    }
}

impl TryFrom<v1::Activity> for Activity {
    type Error = Invalid;

    fn try_from(wire: v1::Activity) -> Result<Self, Invalid> {
        let v1::Activity { session, running, waiting, round_trips } = wire;
        bounded("Activity.running", &running, MAX_RUNNING)?;
        bounded("Activity.round_trips", &round_trips, MAX_ROUND_TRIPS)?;
        let trip = |v1::RoundTrip { rtt_us }| rtt_us.map(|us| duration("RoundTrip.rtt_us", us)).transpose();
        Ok(Self {
            session: session_id("Activity.session", &session)?,
            running: running.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            waiting,
            round_trips: round_trips.into_iter().map(trip).collect::<Result<_, _>>()?,
        })
    }
}

impl From<Vec<Activity>> for v1::ListActivityResponse {
    fn from(sessions: Vec<Activity>) -> Self {
        Self { sessions: sessions.into_iter().map(Into::into).collect() }
    }
}

impl TryFrom<v1::ListActivityResponse> for Vec<Activity> {
    type Error = Invalid;

    fn try_from(wire: v1::ListActivityResponse) -> Result<Self, Invalid> {
        let v1::ListActivityResponse { sessions } = wire;
        bounded("ListActivityResponse.sessions", &sessions, MAX_LOOKED_INTO)?;
        sessions.into_iter().map(TryInto::try_into).collect()
    }
}

impl From<WhoAmI> for v1::WhoAmIResponse {
    fn from(who: WhoAmI) -> Self {
        let WhoAmI { name, role, version, operator, now } = who;
        Self { name, role: v1::Role::from(role).into(), version, operator, now_unix_us: now.unix_us() }
    }
}

impl TryFrom<v1::WhoAmIResponse> for WhoAmI {
    type Error = Invalid;

    fn try_from(wire: v1::WhoAmIResponse) -> Result<Self, Invalid> {
        let v1::WhoAmIResponse { name, role: may, version, operator, now_unix_us } = wire;
        Ok(Self {
            name: text("WhoAmIResponse.name", name, MAX_NAME_BYTES)?,
            role: role("WhoAmIResponse.role", may)?,
            version: text("WhoAmIResponse.version", version, MAX_NAME_BYTES)?,
            operator: text("WhoAmIResponse.operator", operator, MAX_NAME_BYTES)?,
            now: timestamp("WhoAmIResponse.now_unix_us", now_unix_us)?,
        })
    }
}
