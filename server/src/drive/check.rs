//! What `google check` tries of Drive: all that a document's life takes, with a small one that is removed again.

use bytes::Bytes;
use cnc_model::SessionId;
use google_drive3::api::File;

use super::api::{Api, DOCUMENT};
use super::upload::Progress;
use crate::clock;
use crate::google::check::{Right, Trials};
use crate::google::{Google, GoogleError, Kind};
use crate::report;
use crate::secret;
use crate::store::DocumentFile;

/// The least role that does everything.
const ROLE: &str = "Content manager of the shared drive";

const TOKEN: Right = Right {
    what: "get a token for Drive",
    permission: "the scope https://www.googleapis.com/auth/drive",
    role: "google.credentials in the settings",
};
const FOLDER: Right = Right {
    what: "see the folder in Drive, which somebody else made",
    permission: "membership in the shared drive",
    role: ROLE,
};
const SEARCH: Right = Right { what: "search the folder", permission: "capabilities.canListChildren", role: ROLE };
const MAKE: Right =
    Right { what: "make a document in the folder", permission: "capabilities.canAddChildren", role: ROLE };
const READ: Right = Right { what: "read the document", permission: "capabilities.canDownload", role: ROLE };
const CHANGE: Right = Right { what: "change the document", permission: "capabilities.canEdit", role: ROLE };
const REMOVE: Right = Right {
    what: "remove the document, for good or to the trash",
    permission: "capabilities.canDelete or canTrash",
    role: ROLE,
};

/// Tries what documents need. Whatever fails, what was made is removed again if that can be.
pub(crate) async fn check(trials: &mut Trials, google: &Google, folder: &str) {
    let api = Api::new(google.clone(), folder.to_owned());
    trials.try_one(TOKEN, api.token()).await;
    let seen = trials.try_one(FOLDER, api.folder()).await;
    let drive = seen.and_then(|folder| folder.drive);
    let any = SessionId::new(clock::wall(), secret::random_u64());
    trials.try_one(SEARCH, api.find(any, drive.as_deref())).await;
    let name = format!("cnc-listener google check {:08x}", secret::random_u64() >> 32);
    let made = trials.try_one(MAKE, make(&api, &name)).await;
    let Some(file) = made else {
        for right in [READ, CHANGE, REMOVE] {
            trials.not_tried(right);
        }
        return;
    };
    trials.try_one(READ, api.look_at(&file.id)).await;
    trials.try_one(CHANGE, change(&api, &file)).await;
    let removed = api.remove(&file.id).await.map_err(|error| GoogleError {
        said: format!("{}; the document \u{201c}{name}\u{201d} stays in the folder: remove it by hand", error.said),
        ..error
    });
    trials.try_one(REMOVE, async { removed }).await;
}

async fn make(api: &Api, name: &str) -> Result<DocumentFile, GoogleError> {
    let document = note("The listener tried whether it can make documents here. This one can be removed.")?;
    let about = File {
        name: Some(name.to_owned()),
        parents: Some(vec![api.folder.clone()]),
        mime_type: Some(DOCUMENT.into()),
        ..File::default()
    };
    let url = api.open_upload(&about, document.len()).await?;
    done(api.send(&url, &document, 0).await?)
}

async fn change(api: &Api, file: &DocumentFile) -> Result<(), GoogleError> {
    let document = note("The listener tried whether it can change documents here. This one can be removed.")?;
    let url = api.open_update(&file.id, document.len()).await?;
    done(api.send(&url, &document, 0).await?).map(|_| ())
}

fn note(text: &str) -> Result<Bytes, GoogleError> {
    let drawn = report::note(text, clock::wall());
    drawn.map(Bytes::from).map_err(|error| GoogleError::new(Kind::Invalid, "draw a document", error))
}

fn done(progress: Progress) -> Result<DocumentFile, GoogleError> {
    let what = "send the document to Drive";
    match progress {
        Progress::Done { file, trashed: false } => Ok(file),
        Progress::Done { trashed: true, .. } => Err(GoogleError::new(Kind::Folder, what, "it is in the trash at once")),
        Progress::Arrived(bytes) => {
            Err(GoogleError::new(Kind::Outage, what, format!("the upload broke off after {bytes} bytes")))
        }
        Progress::Unknown => Err(GoogleError::new(Kind::Outage, what, "the upload's address is not known any more")),
    }
}
