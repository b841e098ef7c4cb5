//! What `cnc speed` tells of a line, and when it knew it.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cnc_model::throughput::steady::{Interval, rate};
use cnc_model::throughput::{Phase, ThroughputSample, steady_part};
use serde_json::Value;

use super::peers::{SKIPPED, Told, deviation};
use crate::truth::ends::Ends;

/// Ours ends by itself when it knows; a line that never is stable takes so long.
const LONGEST: &str = "10s";
/// What is known is within this share of the truth.
const NEAR: f64 = 0.005;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Download,
    Upload,
}

impl Direction {
    pub(super) const BOTH: [Self; 2] = [Self::Download, Self::Upload];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Download => "download",
            Self::Upload => "upload",
        }
    }
}

/// Measures both directions.
pub(super) fn measure(ends: &Ends, truth: f64) -> Result<[Told; 2]> {
    let lines = ends.speed(&["-t", LONGEST])?;
    let (summary, samples) = lines.split_last().context("nothing told")?;
    ensure!(summary["type"] == "summary", "{summary}");
    Ok(Direction::BOTH.map(|direction| {
        let word = direction.word();
        let samples: Vec<_> = samples.iter().filter(|sample| sample["direction"] == word).collect();
        let told = summary[word]["steady_bps"].as_f64().unwrap_or(f64::NAN);
        // Then probes go beside the load, and take a part of the line.
        let probed = summary[word]["responsiveness"]["began_ms"].as_f64().unwrap_or(f64::INFINITY);
        let is_live = |at: f64| at > SKIPPED * 1e3 && at <= probed;
        let live = samples.iter().filter(|sample| sample["at_ms"].as_f64().is_some_and(is_live));
        Told {
            off: (told / truth - 1.0).abs() * 100.0,
            known: known(&samples, truth),
            deviation: deviation(live.filter_map(|sample| sample["goodput_bps"].as_f64())),
        }
    }))
}

/// Gives the time in seconds from which on the figure, made of what had come until then, is near the truth for good.
/// There is none before the rule says that the rate has settled.
fn known(samples: &[&Value], truth: f64) -> f64 {
    let samples: Vec<_> = samples.iter().map(|sample| read(sample)).collect();
    let mut since = f64::INFINITY;
    for (nth, sample) in samples.iter().enumerate().filter(|(_, sample)| sample.phase == Phase::Steady) {
        let settled: Vec<_> = steady_part(&samples[..=nth]).iter().map(Interval::from).collect();
        let is_near = rate(&settled).is_some_and(|rate| (rate.bps() / truth - 1.0).abs() <= NEAR);
        since = if is_near { since.min(sample.at.as_secs_f64()) } else { f64::INFINITY };
    }
    since
}

/// Reads of a sample what the figure is made of.
fn read(sample: &Value) -> ThroughputSample {
    let milliseconds = |name: &str| Duration::from_secs_f64(sample[name].as_f64().unwrap_or_default() / 1e3);
    ThroughputSample {
        direction: cnc_model::throughput::Direction::Download,
        at: milliseconds("at_ms"),
        interval: milliseconds("interval_ms"),
        flow_count: 0,
        bytes: sample["bytes"].as_u64().unwrap_or_default(),
        phase: if sample["phase"] == "steady" { Phase::Steady } else { Phase::Ramp },
        rtt: None,
    }
}
