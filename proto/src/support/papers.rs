//! Calls about what belongs to a session beside its measurements: staff's notes and shared reports.

use cnc_model::{SessionId, Timestamp};

use crate::scalar::{MAX_NAME_BYTES, MAX_SENTENCE_BYTES, MAX_URL_BYTES, optional_text, session_id, text, timestamp};
use crate::{Invalid, v1};

/// Something to note about a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddNote {
    /// The session.
    pub session: SessionId,
    /// The note: one line.
    pub text: String,
}

/// Something that staff noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// Who: the token's name.
    pub who: String,
    /// What.
    pub text: String,
}

/// How a session's document in Google Drive stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// Where it is, once it has been made.
    pub url: Option<String>,
    /// Whether it is to be made, or made again.
    pub waiting: bool,
    /// Why the last attempt at that failed.
    pub error: Option<String>,
}

impl From<Document> for v1::GetDocumentResponse {
    fn from(document: Document) -> Self {
        let Document { url, waiting, error } = document;
        Self { url, waiting, error }
    }
}

impl TryFrom<v1::GetDocumentResponse> for Document {
    type Error = Invalid;

    fn try_from(wire: v1::GetDocumentResponse) -> Result<Self, Invalid> {
        let v1::GetDocumentResponse { url, waiting, error } = wire;
        Ok(Self {
            url: optional_text("GetDocumentResponse.url", url, MAX_URL_BYTES)?,
            waiting,
            error: optional_text("GetDocumentResponse.error", error, MAX_SENTENCE_BYTES)?,
        })
    }
}

impl From<AddNote> for v1::AddNoteRequest {
    fn from(request: AddNote) -> Self {
        let AddNote { session, text } = request;
        Self { session: session.to_string(), text }
    }
}

impl TryFrom<v1::AddNoteRequest> for AddNote {
    type Error = Invalid;

    fn try_from(wire: v1::AddNoteRequest) -> Result<Self, Invalid> {
        let v1::AddNoteRequest { session, text: note } = wire;
        Ok(Self {
            session: session_id("AddNoteRequest.session", &session)?,
            text: text("AddNoteRequest.text", note, MAX_SENTENCE_BYTES)?,
        })
    }
}

impl From<Note> for v1::Note {
    fn from(note: Note) -> Self {
        let Note { at, who, text } = note;
        Self { at_unix_us: at.unix_us(), who, text }
    }
}

impl TryFrom<v1::Note> for Note {
    type Error = Invalid;

    fn try_from(wire: v1::Note) -> Result<Self, Invalid> {
        let v1::Note { at_unix_us, who, text: note } = wire;
        Ok(Self {
            at: timestamp("Note.at_unix_us", at_unix_us)?,
            who: text("Note.who", who, MAX_NAME_BYTES)?,
            text: text("Note.text", note, MAX_SENTENCE_BYTES)?,
        })
    }
}

impl From<Vec<Note>> for v1::ListNotesResponse {
    fn from(notes: Vec<Note>) -> Self {
        Self { notes: notes.into_iter().map(Into::into).collect() }
    }
}

impl TryFrom<v1::ListNotesResponse> for Vec<Note> {
    type Error = Invalid;

    fn try_from(wire: v1::ListNotesResponse) -> Result<Self, Invalid> {
        let v1::ListNotesResponse { notes } = wire;
        notes.into_iter().map(TryInto::try_into).collect()
    }
}
