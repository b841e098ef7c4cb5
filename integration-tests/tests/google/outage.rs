//! Six hours without Google, by a clock that is set on: nothing grows but the record, and all of it goes afterwards.

use std::net::SocketAddr;
use std::time::Duration;

use cnc_integration_tests::google::Fake;
use cnc_integration_tests::google::fixture::{assert_whole, begin, caught_up, observe};
use cnc_integration_tests::programs::memory_bytes;
use cnc_server::export::{Exporter, Tempo};
use cnc_server::google::Kind;
use tokio_util::sync::CancellationToken;

use crate::Place;

const MINUTES: u64 = 6 * 60;
const SAMPLES_A_MINUTE: u64 = 100;
/// What the program's memory may differ by for other reasons than the outage.
const MEMORY_SLACK: u64 = 24 << 20;

#[tokio::test(start_paused = true)]
async fn six_hours_grow_nothing_but_the_record() {
    let place = Place::new();
    let record = place.open();
    // A port that nobody listens on until the outage is over.
    let port = std::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
    let address = port.local_addr().expect("bound");
    drop(port);
    let google = cnc_integration_tests::google::google_at(address);
    let exporter = Exporter::new(record.clone(), google, "d".into(), Tempo::GATHERING);
    let figures = exporter.figures();
    let stop = CancellationToken::new();
    let running = tokio::spawn(exporter.run(stop.clone()));
    begin(&record, 0).await;
    let mut early = 0;
    let began = tokio::time::Instant::now();
    for minute in 0..MINUTES {
        let first = 2 + minute * SAMPLES_A_MINUTE;
        observe(&record, 0, first, first + SAMPLES_A_MINUTE - 1).await;
        tokio::time::sleep(Duration::from_mins(1)).await;
        if minute == MINUTES / 6 {
            early = memory_bytes(std::process::id());
        }
    }
    let late = memory_bytes(std::process::id());
    assert!(late < early + MEMORY_SLACK, "memory grew from {early} to {late} bytes");
    let failing = figures.failing().expect("it does not get on");
    assert_eq!(failing.kind, Kind::Outage, "{failing:?}");
    let attempts: u64 = figures.failures().map(|(_, times)| times).sum();
    // Between half of the longest wait and all of it, after the first few. The clock also runs while the disk writes.
    let outage = began.elapsed();
    assert!(outage >= Duration::from_hours(6));
    let (most, least) = (outage.as_secs() / 150 + 12, outage.as_secs() / 300);
    assert!((least..=most).contains(&attempts), "{attempts} attempts in {outage:?}");
    let standing = record.export_standing().await.expect("readable");
    assert!(standing.lag_rows >= MINUTES * SAMPLES_A_MINUTE, "{standing:?}");
    let count = |sql: &str| {
        let connection = rusqlite::Connection::open(place.file()).expect("opens");
        connection.query_row(sql, (), |row| row.get::<_, i64>(0)).expect("a number")
    };
    assert!(count("SELECT count(*) FROM export_batches") <= 4);
    assert!(count("SELECT count(*) FROM export_ranges") <= 10);

    let fake = Fake::start_at(address).await;
    // The next attempt is due by then; from there on answers take as long as they take.
    tokio::time::advance(Duration::from_mins(5)).await;
    tokio::time::resume();
    caught_up(&record).await;
    assert_eq!(figures.arrivals().1, MINUTES * SAMPLES_A_MINUTE + 2);
    stop.cancel();
    running.await.expect("the exporter does not panic");
    assert_whole(&place.file(), |table| fake.rows(table));
}
