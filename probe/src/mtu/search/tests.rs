//! The search on paths that are made up.

use super::*;

/// A path of links: what each takes, and whether its router says so.
struct Path {
    interface: u32,
    links: Vec<(u32, bool)>,
    /// Packets that were tried.
    tried: Vec<u32>,
}

fn router(at: usize) -> IpAddr {
    [10, 0, 0, u8::try_from(at).expect("few")].into()
}

impl Prober for Path {
    async fn probe(&mut self, bytes: u32, _: Duration, _: Care) -> Result<Fate, ProbeError> {
        self.tried.push(bytes);
        if bytes > self.interface {
            return Ok(Fate::TooLong(self.interface));
        }
        let narrow = self.links.iter().enumerate().find(|(_, (takes, _))| bytes > *takes);
        Ok(match narrow {
            None => Fate::Arrived(Duration::from_millis(20)),
            Some((at, (takes, true))) => Fate::TooBig { next: *takes, from: router(at) },
            Some((_, (_, false))) => Fate::Silent,
        })
    }
}

async fn searched(interface: u32, links: &[(u32, bool)]) -> (PathMtu, usize) {
    let mut path = Path { interface, links: links.to_vec(), tried: Vec::new() };
    let mut found = PathMtu::default();
    search(&mut path, true, &mut found).await.expect("the path answers");
    (found, path.tried.len())
}

/// The interface's MTU and the links, and what is found: the size, whether it is a black hole, and who says so.
type Case<'a> = (u32, &'a [(u32, bool)], Option<u32>, bool, Option<IpAddr>);

#[tokio::test]
async fn the_largest_packet_is_found() {
    let told = |at| Some(router(at));
    let table: &[Case<'_>] = &[
        (1_500, &[], Some(1_500), false, None),
        (1_500, &[(1_492, true)], Some(1_492), false, told(0)),
        (1_500, &[(1_492, true), (1_400, true)], Some(1_400), false, told(1)),
        (1_500, &[(1_420, false)], Some(1_420), true, None),
        (1_500, &[(1_492, true), (1_301, false)], Some(1_301), true, told(0)),
        // Behind the black hole a router that speaks is heard once packets get there.
        (1_500, &[(1_450, false), (1_400, true)], Some(1_400), false, told(1)),
        (65_535, &[], Some(65_535), false, None),
        (9_000, &[(1_500, true)], Some(1_500), false, told(0)),
        // A router that tells nonsense is not believed beyond what is seen.
        (1_500, &[(500, false)], None, false, None),
        (576, &[], Some(576), false, None),
    ];
    for (interface, links, path_bytes, black_hole, limited_by) in table {
        let (found, tried) = searched(*interface, links).await;
        assert_eq!(
            (found.path_bytes, found.black_hole, found.limited_by),
            (*path_bytes, *black_hole, *limited_by),
            "{interface} {links:?}"
        );
        assert!(tried <= 2 + 17 + 3, "{links:?} took {tried} packets");
    }
}

#[tokio::test]
async fn a_router_that_does_not_know_what_it_takes_is_asked_on() {
    struct Old;
    impl Prober for Old {
        async fn probe(&mut self, bytes: u32, _: Duration, _: Care) -> Result<Fate, ProbeError> {
            Ok(match bytes {
                1_501.. => Fate::TooLong(1_500),
                // Before RFC 1191 routers told no size.
                1_453.. => Fate::TooBig { next: 0, from: router(1) },
                _ => Fate::Arrived(Duration::from_millis(1)),
            })
        }
    }
    let mut found = PathMtu::default();
    search(&mut Old, true, &mut found).await.expect("it answers");
    assert_eq!((found.path_bytes, found.limited_by), (Some(1_452), Some(router(1))));
}

#[tokio::test]
async fn silence_that_was_no_more_than_a_lost_answer_is_found_out() {
    /// Quick looks miss what is longer than this.
    struct Shy(u32);
    impl Prober for Shy {
        async fn probe(&mut self, bytes: u32, _: Duration, care: Care) -> Result<Fate, ProbeError> {
            Ok(match bytes {
                1_501.. => Fate::TooLong(1_500),
                1_421.. => Fate::Silent,
                _ if bytes > self.0 && care == Care::Quick => Fate::Silent,
                _ => Fate::Arrived(Duration::from_millis(1)),
            })
        }
    }
    for shy_above in [576, 1_279, 1_280, 1_300, 1_399, 1_400, 1_419, 1_420] {
        let mut found = PathMtu::default();
        search(&mut Shy(shy_above), true, &mut found).await.expect("it answers");
        assert_eq!((found.path_bytes, found.black_hole), (Some(1_420), true), "{shy_above}");
    }
}
