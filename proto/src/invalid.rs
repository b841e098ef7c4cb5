//! What is said of a message that is not as it should be. It names the field; what is done about it is the caller's.

use thiserror::Error;

/// Why what a peer sent is no value of the model.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Invalid {
    /// A field that must be there is not.
    #[error("{field} is missing")]
    Missing {
        /// The message and its field, like `PingReply.from`.
        field: &'static str,
    },
    /// A newer peer sent a variant that this version does not know, or none at all: the wire does not tell them
    /// apart. Receivers pass over it, or answer it as unsupported; it is no reason to break off.
    #[error("{field} is of a kind that this version does not know")]
    Unknown {
        /// The message and its field.
        field: &'static str,
    },
    /// A text is longer than anything that a sound peer sends.
    #[error("{field} has {given} bytes, at most {limit} are taken")]
    TooLong {
        /// The message and its field.
        field: &'static str,
        /// Its length in bytes.
        given: usize,
        /// The most that is taken, in bytes.
        limit: usize,
    },
    /// A list is longer than anything that a sound peer sends.
    #[error("{field} has {given} entries, at most {limit} are taken")]
    TooMany {
        /// The message and its field.
        field: &'static str,
        /// Its length.
        given: usize,
        /// The most that is taken.
        limit: usize,
    },
    /// A value is not one of those that the field can have.
    #[error("{field}: {why}")]
    Malformed {
        /// The message and its field.
        field: &'static str,
        /// What is wrong, in words.
        why: String,
    },
    /// An item of a batch is malformed, and its batch is refused whole.
    #[error("item {sequence}: {invalid}")]
    Item {
        /// The item's sequence.
        sequence: u64,
        /// What is wrong with it.
        invalid: Box<Invalid>,
    },
}

impl Invalid {
    /// Says that a value is not one of those that the field can have.
    pub(crate) fn malformed(field: &'static str, why: impl Into<String>) -> Self {
        Self::Malformed { field, why: why.into() }
    }

    /// Tells whether the peer merely knows more than this version.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }
}

/// Takes what must be there.
pub(crate) fn required<T>(field: &'static str, value: Option<T>) -> Result<T, Invalid> {
    value.ok_or(Invalid::Missing { field })
}

/// Takes the variant that a peer chose.
pub(crate) fn known<T>(field: &'static str, variant: Option<T>) -> Result<T, Invalid> {
    variant.ok_or(Invalid::Unknown { field })
}

/// Turns what only a newer peer knows into nothing, for places where it can be passed over.
pub(crate) fn unless_unknown<T>(read: Result<T, Invalid>) -> Result<Option<T>, Invalid> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(invalid) if invalid.is_unknown() => Ok(None),
        Err(invalid) => Err(invalid),
    }
}
