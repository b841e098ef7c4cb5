//! Codes by their hashes: those that may still join, and lately spent ones, to tell their users so.

use std::collections::{HashMap, HashSet, VecDeque};

use cnc_model::SessionId;

/// Spent codes remembered, the newest: days of a helpdesk's. Older ones are as unknown as those that never were.
const SPENT: usize = 4_096;

/// What a code is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeStanding {
    /// A session waits for a client with it.
    Waits(SessionId),
    /// It has joined a client, or its time is over.
    Spent,
    /// There is no such code.
    Unknown,
}

/// The codes by the hashes of their bits.
#[derive(Debug, Default)]
pub(super) struct Codes {
    waiting: HashMap<[u8; 32], SessionId>,
    of: HashMap<SessionId, [u8; 32]>,
    spent: HashSet<[u8; 32]>,
    spent_in_order: VecDeque<[u8; 32]>,
}

impl Codes {
    pub(super) fn insert(&mut self, hash: [u8; 32], session: SessionId) {
        self.waiting.insert(hash, session);
        self.of.insert(session, hash);
    }

    pub(super) fn waiting(&self, hash: [u8; 32]) -> Option<SessionId> {
        self.waiting.get(&hash).copied()
    }

    pub(super) fn standing(&self, hash: [u8; 32]) -> CodeStanding {
        match self.waiting(hash) {
            Some(session) => CodeStanding::Waits(session),
            None if self.spent.contains(&hash) => CodeStanding::Spent,
            None => CodeStanding::Unknown,
        }
    }

    /// Makes a session's code worthless, where it still has one.
    pub(super) fn spend(&mut self, session: SessionId) {
        let Some(hash) = self.of.remove(&session) else { return };
        self.waiting.remove(&hash);
        if self.spent_in_order.len() >= SPENT
            && let Some(oldest) = self.spent_in_order.pop_front()
        {
            self.spent.remove(&oldest);
        }
        if self.spent.insert(hash) {
            self.spent_in_order.push_back(hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use cnc_model::Timestamp;

    use super::*;

    #[test]
    fn spent_codes_are_told_and_forgotten_in_time() {
        let hash = |n: u64| crate::secret::hash(&n.to_be_bytes());
        let mut codes = Codes::default();
        for n in 0..=SPENT as u64 {
            let id = SessionId::new(Timestamp::from_unix_us(1_800_000_000_000_000), n);
            codes.insert(hash(n), id);
            assert_eq!(codes.standing(hash(n)), CodeStanding::Waits(id));
            codes.spend(id);
            codes.spend(id);
            assert_eq!(codes.standing(hash(n)), CodeStanding::Spent);
        }
        assert_eq!(codes.standing(hash(0)), CodeStanding::Unknown, "the oldest is forgotten");
        assert!(codes.waiting.is_empty() && codes.of.is_empty());
        assert_eq!(codes.spent.len(), SPENT);
    }
}
