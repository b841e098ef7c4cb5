//! Samples and sessions as they are listed: in pages, in order, and by what is known of them.

use super::*;

#[tokio::test]
async fn pages_of_samples_join_up() {
    let place = Place::new();
    let handle = place.open();
    store(&handle, vec![session(), Change::Samples(samples())], None).await.expect("stored");
    let mut gathered = vec![];
    loop {
        let after = gathered.last().map_or(Sequence::NONE, |sample: &SequencedSample| sample.sequence);
        let page = handle.samples(id(1), None, after, 3).await.expect("readable");
        if page.is_empty() {
            break;
        }
        gathered.extend(page);
    }
    assert_eq!(gathered, samples());
    let test = gathered[0].test;
    let of_test = handle.samples(id(1), Some(test), Sequence::NONE, MAX_PAGE).await.expect("readable");
    assert_eq!(of_test, gathered.into_iter().filter(|sample| sample.test == test).collect::<Vec<_>>());
}

#[tokio::test]
async fn sessions_are_listed_newest_first_in_pages() {
    let place = Place::new();
    let handle = place.open();
    for n in 1..=5 {
        let commit = Commit { session: id(n), changes: vec![Change::Session(Box::new(row(n)))], through: None };
        handle.submit(commit).await.expect("runs").await.expect("answered").expect("stored");
    }
    let listed = |limit, before| {
        let handle = handle.clone();
        async move {
            let page = handle.sessions(SessionFilter::default(), limit, before).await.expect("readable");
            page.into_iter().map(|overview| overview.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(listed(2, None).await, [id(5), id(4)]);
    assert_eq!(listed(2, Some(id(4))).await, [id(3), id(2)]);
    assert_eq!(listed(9, Some(id(2))).await, [id(1)]);
}

#[tokio::test]
async fn sessions_are_found_by_what_is_known_of_them() {
    let place = Place::new();
    let handle = place.open();
    for n in 1..=4 {
        let mut row = row(n);
        if n > 2 {
            row.overview.label = format!("Ticket {n} 100%");
        }
        let row = if n == 4 { made_up::ended(row, EndReason::Staff) } else { row };
        let changes = vec![Change::Session(Box::new(row)), Change::Test(Box::new(completed(2)))];
        let changes = if n == 3 { changes } else { changes.into_iter().take(1).collect() };
        let commit = Commit { session: id(n), changes, through: None };
        handle.submit(commit).await.expect("runs").await.expect("answered").expect("stored");
    }
    let file = Connection::open(place.file()).expect("opens");
    let destination: String = file.query_row("SELECT destination FROM tests", (), |row| row.get(0)).expect("one");
    let any = SessionFilter::default;
    let cases = [
        (SessionFilter { ended: Some(true), ..any() }, vec![4]),
        (SessionFilter { ended: Some(false), ..any() }, vec![3, 2, 1]),
        (SessionFilter { search: "MS M".into(), ..any() }, vec![2, 1]),
        (SessionFilter { search: "100%".into(), ..any() }, vec![4, 3]),
        (SessionFilter { search: "1%' OR 1".into(), ..any() }, vec![]),
        (SessionFilter { search: "%".into(), ..any() }, vec![4, 3]),
        (SessionFilter { search: "t_cket".into(), ..any() }, vec![]),
        (SessionFilter { search: "<OFFICE>".into(), ..any() }, vec![2, 1]),
        (SessionFilter { search: "::1".into(), ended: Some(true), ..any() }, vec![4]),
        (SessionFilter { search: id(2).to_string().to_lowercase(), ..any() }, vec![2]),
        (SessionFilter { provider: "exam".into(), ..any() }, vec![1]),
        (SessionFilter { provider: format!("as{}", u32::MAX), ..any() }, vec![1]),
        (SessionFilter { provider: "64500".into(), ..any() }, vec![]),
        (SessionFilter { client_version: "0.1".into(), ..any() }, vec![4, 3, 2, 1]),
        (SessionFilter { client_version: "1".into(), ..any() }, vec![]),
        (SessionFilter { destination, ..any() }, vec![3]),
        (
            SessionFilter { from: Some(row(2).overview.created), until: Some(row(4).overview.created), ..any() },
            vec![3, 2],
        ),
    ];
    for (filter, expected) in cases {
        let found = handle.sessions(filter.clone(), 9, None).await.expect("readable");
        let found: Vec<_> = found.into_iter().map(|overview| overview.id).collect();
        assert_eq!(found, expected.into_iter().map(id).collect::<Vec<_>>(), "{filter:?}");
    }
}
