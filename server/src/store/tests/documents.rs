//! Documents' rows: wanted in one transaction with the report, and never lost with their session while there may be a file.

use super::super::{Document, DocumentFile, DocumentNote, DocumentState, DocumentsStanding, Upload};
use super::*;

const NOW: Timestamp = Timestamp::from_unix_us(i64::MAX / 2);

/// Ends a session, and has its report made.
async fn wanted(handle: &Store) -> Document {
    let ended = made_up::ended(row(1), EndReason::Staff);
    store(handle, vec![session(), Change::Session(Box::new(ended))], None).await.expect("stored");
    let job = handle.due_jobs(NOW, 9).await.expect("readable").pop().expect("one job");
    handle.end_job(JobEnd { job, at: NOW, failure: None, document: true }).await.expect("noted");
    due(handle).await
}

async fn due(handle: &Store) -> Document {
    handle.due_documents(NOW, 9).await.expect("readable").pop().expect("one is due")
}

fn upload(wanted: i64) -> Upload {
    Upload { url: "https://x/1".into(), bytes: 7, wanted, begun: NOW }
}

fn file() -> DocumentFile {
    DocumentFile { id: "f".into(), link: "https://x/f".into() }
}

#[tokio::test]
async fn a_document_is_wanted_once_its_report_is_made() {
    let place = Place::new();
    let handle = place.open();
    let document = wanted(&handle).await;
    assert_eq!((document.session, document.state, document.wanted), (id(1), DocumentState::Waiting, 1));
    assert!(handle.note_document(DocumentNote::Begun(id(1), upload(1))).await.expect("noted"));
    assert_eq!(due(&handle).await.upload, Some(upload(1)));
    handle.note_document(DocumentNote::Known(id(1), file())).await.expect("noted");
    let known = due(&handle).await;
    assert_eq!((known.upload, known.file), (None, Some(file())));

    let due_later = NOW.after(std::time::Duration::from_secs(1));
    let failed =
        DocumentNote::Failed { document: Box::new(document), error: "no room".into(), kind: "storage", due: due_later };
    handle.note_document(failed).await.expect("noted");
    assert_eq!(handle.due_documents(NOW, 9).await.expect("readable"), []);
    assert_eq!(handle.next_document_due().await.expect("readable"), Some(due_later));
    let standing = handle.standing().await.expect("readable");
    assert_eq!((standing.jobs_waiting, standing.jobs_failing), (1, 1));
    assert_eq!(standing.last_error.as_deref(), Some("no room"));
    let standing = handle.documents_standing().await.expect("readable");
    let told = DocumentsStanding {
        waiting: 1,
        failing: vec![("storage".into(), 1)],
        oldest: Some(NOW),
        last_error: Some("no room".into()),
        ..DocumentsStanding::default()
    };
    assert_eq!(standing, told);

    handle.note_document(DocumentNote::Made(id(1), 1, NOW)).await.expect("noted");
    assert_eq!(handle.next_document_due().await.expect("readable"), None);
    let made = handle.document(id(1)).await.expect("readable").expect("a row");
    assert_eq!((made.state, made.last_error), (DocumentState::Done, None));
    assert_eq!(handle.documents_standing().await.expect("readable"), DocumentsStanding::default());
}

#[tokio::test]
async fn what_is_wanted_again_while_it_is_made_stays_wanted() {
    let place = Place::new();
    let handle = place.open();
    wanted(&handle).await;
    let again = wanted(&handle).await;
    assert_eq!(again.wanted, 2);
    assert!(
        !handle.note_document(DocumentNote::Made(id(1), 1, NOW)).await.expect("noted"),
        "the first is not the last word"
    );
    assert_eq!(due(&handle).await.state, DocumentState::Waiting);
}

#[tokio::test]
async fn a_deleted_session_leaves_its_documents_removal_behind() {
    let place = Place::new();
    let handle = place.open();
    wanted(&handle).await;
    handle.note_document(DocumentNote::Begun(id(1), upload(1))).await.expect("noted");
    let mut woken = handle.jobs_wanted();
    woken.mark_unchanged();
    let removed = handle.delete(id(1), Timestamp::from_unix_us(0)).await.expect("removed").expect("it was there");
    assert!(removed.document && woken.has_changed().expect("the writer runs"));
    let document = due(&handle).await;
    assert_eq!((document.state, document.upload), (DocumentState::Removing, Some(upload(1))));
    let standing = handle.documents_standing().await.expect("readable");
    assert_eq!((standing.waiting, standing.removals_waiting), (0, 1));
    assert_eq!(standing.oldest, Some(Timestamp::from_unix_us(0)), "since it was deleted");
    assert!(!handle.note_document(DocumentNote::Made(id(1), 1, NOW)).await.expect("noted"));
    assert!(handle.note_document(DocumentNote::Gone(id(1))).await.expect("noted"));
    assert_eq!(handle.document(id(1)).await.expect("readable"), None);
}

#[tokio::test]
async fn nothing_is_left_of_a_document_that_was_never_begun() {
    let place = Place::new();
    let handle = place.open();
    wanted(&handle).await;
    let removed = handle.delete(id(1), Timestamp::from_unix_us(0)).await.expect("removed").expect("it was there");
    assert!(!removed.document);
    assert!(!handle.note_document(DocumentNote::Begun(id(1), upload(1))).await.expect("noted"), "nothing may be sent");
}
