//! Who gets in, and who does not.

use cnc_integration_tests::client::Client;
use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_integration_tests::store;

#[tokio::test]
async fn a_wrong_code_is_refused_and_the_client_says_so() {
    let listener = Listener::start(QUICK).await;
    listener.staff().await.create_session(Some("quick")).await;
    let ended = Client::run(listener.url(), Some("0000-0000")).ended().await;
    assert_eq!(ended.code, 4, "{}", ended.said);
    assert!(ended.said.contains("0000-0000"), "{}", ended.said);
}

#[tokio::test]
async fn a_code_joins_one_client() {
    let listener = Listener::start(QUICK).await;
    let mut staff = listener.staff().await;
    let made = staff.create_session(Some("nothing")).await;
    let code = made.code.to_string();
    let mut watcher = staff.watch(made.session.id).await;
    let _first = Client::run(listener.url(), Some(&code));
    watcher.plan_done().await;
    let second = Client::run(listener.url(), Some(&code)).ended().await;
    assert_eq!(second.code, 4, "{}", second.said);
}

#[tokio::test]
async fn a_walk_in_ends_with_its_plan() {
    let listener = Listener::start(&QUICK.replace("plan.quick", "plan.default")).await;
    let ended = Client::run(listener.url(), None).ended().await;
    assert_eq!(ended.code, 0, "{}", ended.said);
    let sessions = listener.staff().await.sessions().await;
    let [session] = sessions.as_slice() else { panic!("one session, not {sessions:?}") };
    let outcomes = store::outcomes(&listener.store(), &session.to_string());
    assert!(outcomes.iter().all(|(_, outcome)| outcome.as_deref() == Some("completed")), "{outcomes:?}");
    assert!(listener.report(&session.to_string()).is_file());
}

#[tokio::test]
async fn without_walk_ins_a_code_is_asked_for() {
    let listener = Listener::start(&format!("walk_in = false\n{QUICK}")).await;
    let ended = Client::run(listener.url(), None).ended().await;
    assert_eq!(ended.code, 4, "{}", ended.said);
    assert!(ended.said.contains("code"), "{}", ended.said);
}

#[tokio::test]
async fn nobody_there_is_told_as_such() {
    // A port that was free a moment ago, and on which nothing listens.
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    drop(socket);
    let ended = Client::run(&url, Some("K7QX-M2PA")).ended().await;
    assert_eq!(ended.code, 4, "{}", ended.said);
}
