//! How busy this machine's processors are, between one look and the next.

/// Remembers the last look.
#[derive(Debug, Default)]
pub struct CpuMeter {
    last: Option<Ticks>,
}

/// Processor time since the machine started, in the kernel's ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ticks {
    all: u64,
    idle: u64,
}

impl CpuMeter {
    /// Looks, and gives the share of time that was used since the last look, 0 to 1; `None` at the first, and where the
    /// system does not tell.
    pub fn look(&mut self) -> Option<f64> {
        let now = ticks()?;
        self.last.replace(now).and_then(|before| share(before, now))
    }
}

fn share(before: Ticks, now: Ticks) -> Option<f64> {
    let (all, idle) = (now.all.checked_sub(before.all)?, now.idle.checked_sub(before.idle)?);
    #[expect(clippy::cast_precision_loss, reason = "2^53 ticks are some million years")]
    (all > 0).then(|| 1.0 - (idle as f64 / all as f64).min(1.0))
}

#[cfg(target_os = "linux")]
fn ticks() -> Option<Ticks> {
    parse(&std::fs::read_to_string("/proc/stat").ok()?)
}

#[cfg(not(target_os = "linux"))]
const fn ticks() -> Option<Ticks> {
    None
}

/// Reads the first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal. What guests used is in
/// the first two already.
#[cfg(any(target_os = "linux", test))]
fn parse(text: &str) -> Option<Ticks> {
    let fields = text.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> = fields.split_whitespace().take(8).map_while(|field| field.parse().ok()).collect();
    let idle = fields.get(3)? + fields.get(4).copied().unwrap_or(0);
    Some(Ticks { all: fields.iter().sum(), idle })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_of_the_time_between_two_looks() {
        let before = parse("cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 2").expect("a line");
        assert_eq!(before, Ticks { all: 1_000, idle: 800 });
        let now = Ticks { all: 1_100, idle: 875 };
        assert_eq!((share(before, now), share(now, now), share(now, before)), (Some(0.25), None, None));
        for odd in ["", "cpu", "cpu  1 2", "intr 1 2 3 4 5"] {
            assert_eq!(parse(odd), None, "{odd}");
        }
    }
}
