//! Whatever comes in whatever order: what the tables say is what the samples say.

use cnc_model::ping::PingFold;
use cnc_model::stats::nearest_rank;
use cnc_model::summary::Measured;

use super::*;
use crate::history::ERROR_RATIO;

/// A ping of which some samples come late, twice, or in another order.
fn any_ping(session: i64) -> impl Strategy<Value = Ping> {
    let sample = (0..40_u32, 0..4_u8, 1..3_000_000_u64).prop_map(|(seq, fate, rtt_us)| {
        // As a client tells it: one probe has one time of sending, and a duplicate is slower than the reply before it.
        let at = Duration::from_mins(u64::from(seq) * 7);
        match fate {
            0 | 1 => reply(seq, at, rtt_us),
            2 => PingSample { seq, at, outcome: PingOutcome::Lost },
            _ => PingSample { seq, at, outcome: PingOutcome::Unreachable { from: None } },
        }
    });
    let asn = prop::option::of(1..3_u32);
    let to = prop::sample::select(vec!["a.example", "b.example"]);
    (prop::collection::vec(sample, 0..60), asn, to).prop_map(move |(mut samples, asn, destination)| {
        let mut fastest = std::collections::HashMap::<u32, Duration>::new();
        for sample in &mut samples {
            if let PingOutcome::Reply(reply) = &mut sample.outcome {
                reply.rtt = reply.rtt.max(*fastest.entry(sample.seq).or_insert(reply.rtt));
            }
        }
        Ping { session, asn, destination, samples }
    })
}

/// What history should say of pings, from each one's own fold and all round trips.
fn expected(pings: &[Ping], holds: impl Fn(&Ping) -> bool) -> (u64, u64, Vec<u64>) {
    let (mut sent, mut received, mut rtts) = (0, 0, vec![]);
    for ping in pings.iter().filter(|ping| holds(ping)) {
        let mut fold = PingFold::default();
        ping.samples.iter().for_each(|sample| fold.observe(sample));
        let summary = fold.summary(Measured::default());
        (sent, received) = (sent + summary.sent, received + summary.received);
        let mut first = std::collections::BTreeMap::new();
        for sample in &ping.samples {
            if let PingOutcome::Reply(reply) = sample.outcome {
                first.entry(sample.seq).or_insert(u64::try_from(reply.rtt.as_micros()).expect("short"));
            }
        }
        rtts.extend(first.into_values());
    }
    rtts.sort_unstable();
    (sent, received, rtts)
}

fn is_as_expected(figures: HistoryFigures, (sent, received, rtts): (u64, u64, Vec<u64>)) -> Result<(), TestCaseError> {
    prop_assert_eq!((figures.count, figures.received), (sent, received));
    for (percent, found) in [(5, figures.p05), (50, figures.p50), (95, figures.p95)] {
        let exact = nearest_rank(&rtts, percent);
        prop_assert_eq!(found.is_some(), exact.is_some());
        let Some((found, exact)) = found.zip(exact) else { continue };
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let (off, most) = (found.abs_diff(exact) as f64, exact as f64 * ERROR_RATIO);
        prop_assert!(off <= most, "p{}: {} for {}", percent, found, exact);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn history_is_what_the_samples_say(
        pings in (any_ping(1), any_ping(2), any_ping(3), any_ping(4)),
        step in 1..50_usize,
        deleted in 0..5_i64,
    ) {
        let mut pings = vec![pings.0, pings.1, pings.2, pings.3];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let place = Place::new();
        let (ours, provider) = runtime.block_on(async {
            let handle = place.open();
            for ping in &pings {
                ping.store(&handle).await;
            }
            catch_up(&handle, step).await;
            handle.delete(id(deleted), Timestamp::from_unix_us(0)).await.expect("done");
            (whole(&handle, destination("a.example")).await, whole(&handle, scope(HistorySubject::Provider(1))).await)
        });
        pings.retain(|ping| ping.session != deleted);
        is_as_expected(ours, expected(&pings, |ping| ping.destination == "a.example"))?;
        is_as_expected(provider, expected(&pings, |ping| ping.asn == Some(1)))?;
    }
}
