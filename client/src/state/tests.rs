//! Who finds which key, and for how long.

use super::*;

fn listener(text: &str) -> ListenerUrl {
    text.parse().expect("valid")
}

fn later(now: Timestamp, seconds: u64) -> Timestamp {
    now.after(Duration::from_secs(seconds))
}

#[test]
fn a_restart_finds_its_key_and_others_do_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, other) = (listener("https://one.example"), listener("https://other.example"));
    let code = "K7QX-M2PA".parse().ok();
    let now = Timestamp::from_unix_us(1_700_000_000_000_000);
    let open = |listener: &ListenerUrl, code, now| SavedKey::open(folder.path(), listener, code, now).expect("opens");

    let first = open(&one, code, now);
    assert_eq!(first.began, now);
    let beside = open(&one, code, now);
    assert!(beside.key != first.key, "a second client at the same time has a session of its own");
    let key = first.key.clone();
    assert!(!first.agreed);
    let mut first = first;
    first.agree();
    drop(first);
    beside.forget();

    assert!(open(&other, code, now).key != key);
    assert!(open(&one, None, now).key != key);
    let again = open(&one, code, later(now, 60));
    assert!(again.key == key && again.began == now && again.agreed && again.resumed);
    drop(again);
    let days_later = open(&one, code, later(now, 6 * 86_400));
    assert!(days_later.key == key, "a code joins no other key");
    days_later.leave();
    let fresh = open(&one, code, later(now, 61));
    assert!(fresh.key != key && !fresh.resumed, "it had said its last word");
    let fresh_key = fresh.key.clone();
    fresh.forget();
    assert!(open(&one, code, later(now, 62)).key != fresh_key);
}

#[test]
fn a_walk_in_is_gone_on_with_for_two_minutes() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = listener("https://one.example");
    let now = Timestamp::from_unix_us(1_700_000_000_000_000);
    let open = |now| SavedKey::open(folder.path(), &one, None, now).expect("opens");
    let key = open(now).key;
    assert!(open(later(now, 119)).key == key);
    let too_late = open(later(now, 121));
    assert!(too_late.key != key && too_late.began == later(now, 121));
}

#[test]
fn a_session_that_lives_long_keeps_its_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = listener("https://one.example");
    let began = Timestamp::from_unix_us(1_700_000_000_000_000);
    let mut key = SavedKey::open(folder.path(), &one, None, began).expect("opens");
    key.touch(began, later(began, 3_600));
    let bits = key.key.clone();
    drop(key);
    let again = SavedKey::open(folder.path(), &one, None, later(began, 3_660)).expect("opens");
    assert!(again.key == bits && again.began == began);
}

#[cfg(unix)]
#[test]
fn keys_are_for_their_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("cnc");
    let now = Timestamp::from_unix_us(0);
    let _key = SavedKey::open(&state, &listener("https://one.example"), None, now).expect("opens");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&state.join("keys")), 0o700);
    assert_eq!(mode(&state.join("keys/0.json")), 0o600);
}
