//! What each role may do. Pure: who holds which role is `staff`'s to know.

pub use cnc_proto::support::Role;

/// Everything that wants a staff token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// Make a session.
    CreateSession,
    /// List sessions.
    ListSessions,
    /// See a session with its tests.
    GetSession,
    /// Follow a session live.
    WatchSession,
    /// Push a test.
    IssueTest,
    /// Push a plan's tests.
    IssuePlan,
    /// Stop a test.
    CancelTest,
    /// End a session.
    EndSession,
    /// Remove a session.
    DeleteSession,
    /// Read a session's samples.
    ListSamples,
    /// See the plans.
    ListPlans,
    /// Make a token.
    CreateToken,
    /// List tokens.
    ListTokens,
    /// Make a token worthless.
    RevokeToken,
    /// Read what staff did.
    ListAudit,
    /// Note something about a session.
    AddNote,
    /// Read what was noted.
    ListNotes,
    /// Make a link to a session's report.
    ShareReport,
    /// Make such links worthless.
    UnshareReport,
    /// See whether there are any.
    GetSharing,
    /// See whether a report is a document in Drive.
    GetDocument,
    /// See how the listener does.
    GetStatus,
    /// Learn whose token it is.
    WhoAmI,
    /// See what goes on in live sessions.
    ListActivity,
    /// Read a session's report.
    Report,
    /// Read the listener's own figures.
    Metrics,
    /// See how destinations and providers fared over days.
    History,
}

impl Call {
    /// Every call.
    pub const ALL: [Self; 27] = [
        Self::CreateSession,
        Self::ListSessions,
        Self::GetSession,
        Self::WatchSession,
        Self::IssueTest,
        Self::IssuePlan,
        Self::CancelTest,
        Self::EndSession,
        Self::DeleteSession,
        Self::ListSamples,
        Self::ListPlans,
        Self::CreateToken,
        Self::ListTokens,
        Self::RevokeToken,
        Self::ListAudit,
        Self::AddNote,
        Self::ListNotes,
        Self::ShareReport,
        Self::UnshareReport,
        Self::GetSharing,
        Self::GetDocument,
        Self::GetStatus,
        Self::WhoAmI,
        Self::ListActivity,
        Self::Report,
        Self::Metrics,
        Self::History,
    ];

    /// Gives the least role that may.
    #[must_use]
    pub const fn needs(self) -> Role {
        match self {
            Self::ListSessions
            | Self::GetSession
            | Self::WatchSession
            | Self::ListSamples
            | Self::ListPlans
            | Self::ListNotes
            | Self::GetSharing
            | Self::GetDocument
            | Self::GetStatus
            | Self::WhoAmI
            | Self::ListActivity
            | Self::Report
            | Self::Metrics
            | Self::History => Role::Viewer,
            Self::CreateSession
            | Self::IssueTest
            | Self::IssuePlan
            | Self::CancelTest
            | Self::EndSession
            | Self::AddNote
            | Self::ShareReport
            | Self::UnshareReport => Role::Support,
            Self::DeleteSession | Self::CreateToken | Self::ListTokens | Self::RevokeToken | Self::ListAudit => {
                Role::Admin
            }
        }
    }

    /// Gives the word for it in the audit log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::CreateSession => "create_session",
            Self::ListSessions => "list_sessions",
            Self::GetSession => "get_session",
            Self::WatchSession => "watch_session",
            Self::IssueTest => "issue_test",
            Self::IssuePlan => "issue_plan",
            Self::CancelTest => "cancel_test",
            Self::EndSession => "end_session",
            Self::DeleteSession => "delete_session",
            Self::ListSamples => "list_samples",
            Self::ListPlans => "list_plans",
            Self::CreateToken => "create_token",
            Self::ListTokens => "list_tokens",
            Self::RevokeToken => "revoke_token",
            Self::ListAudit => "list_audit",
            Self::AddNote => "add_note",
            Self::ListNotes => "list_notes",
            Self::ShareReport => "share_report",
            Self::UnshareReport => "unshare_report",
            Self::GetSharing => "get_sharing",
            Self::GetDocument => "get_document",
            Self::GetStatus => "get_status",
            Self::WhoAmI => "who_am_i",
            Self::ListActivity => "list_activity",
            Self::Report => "report",
            Self::Metrics => "metrics",
            Self::History => "history",
        }
    }

    /// Tells whether it is noted who did it: what changes something, and reading a report.
    #[must_use]
    pub const fn is_noted(self) -> bool {
        match self {
            Self::ListSessions
            | Self::GetSession
            | Self::WatchSession
            | Self::ListSamples
            | Self::ListPlans
            | Self::ListTokens
            | Self::ListAudit
            | Self::ListNotes
            | Self::GetSharing
            | Self::GetDocument
            | Self::GetStatus
            | Self::WhoAmI
            | Self::ListActivity
            | Self::Metrics
            | Self::History => false,
            Self::CreateSession
            | Self::IssueTest
            | Self::IssuePlan
            | Self::CancelTest
            | Self::EndSession
            | Self::DeleteSession
            | Self::CreateToken
            | Self::RevokeToken
            | Self::AddNote
            | Self::ShareReport
            | Self::UnshareReport
            | Self::Report => true,
        }
    }
}

/// Reads a role's word.
#[must_use]
pub fn role(word: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role.word() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_it_should() {
        let may = |role: Role| {
            let allowed = Call::ALL.into_iter().filter(|call| role >= call.needs());
            allowed.map(Call::word).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            may(Role::Viewer),
            "list_sessions get_session watch_session list_samples list_plans list_notes get_sharing get_document \
             get_status who_am_i list_activity report metrics history"
        );
        assert_eq!(
            may(Role::Support),
            "create_session list_sessions get_session watch_session issue_test issue_plan cancel_test end_session \
             list_samples list_plans add_note list_notes share_report unshare_report get_sharing get_document \
             get_status who_am_i list_activity report metrics history"
        );
        assert_eq!(may(Role::Admin), Call::ALL.map(Call::word).join(" "));
    }

    #[test]
    fn roles_read_back() {
        for known in Role::ALL {
            assert_eq!(role(known.word()), Some(known));
        }
        assert_eq!(role("Admin"), None);
    }
}
