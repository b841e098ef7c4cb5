//! A packet capture of a host's echo requests and replies, by tcpdump with the kernel's stamps; its file is read here.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use anyhow::{Context as _, Result, ensure};
use cnc_lab::Host;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::peer::on;

/// A running capture on a host's first device.
pub(super) struct Capture {
    tcpdump: Child,
    folder: TempDir,
}

/// The true round trips by the requests' sequence numbers, in milliseconds.
pub(super) type Truth = BTreeMap<u16, f64>;

impl Capture {
    /// Starts one, and waits until it sees every packet.
    pub(super) fn start(host: &Host) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = on(host, "tcpdump")?;
        command.args(["-i", "eth0", "-Z", "root", "-s", "96", "--immediate-mode", "--time-stamp-precision=nano", "-w"]);
        command.arg(folder.path().join("capture")).arg("icmp");
        let mut tcpdump = command.stderr(Stdio::piped()).spawn().context("tcpdump cannot be started")?;
        let mut said = BufReader::new(tcpdump.stderr.take().context("it is piped")?);
        let mut line = String::new();
        while !line.contains("listening on") {
            line.clear();
            ensure!(said.read_line(&mut line)? > 0, "tcpdump ended before it listened");
        }
        Ok(Self { tcpdump, folder })
    }

    /// Ends it, and gives what it saw.
    pub(super) fn end(mut self) -> Result<Truth> {
        kill_process(Pid::from_child(&self.tcpdump), Signal::INT)?;
        self.tcpdump.wait()?;
        round_trips(&std::fs::read(self.folder.path().join("capture"))?)
    }
}

/// Reads a capture file of this machine's own byte order.
fn round_trips(file: &[u8]) -> Result<Truth> {
    /// Of a file whose stamps are in nanoseconds.
    const MAGIC: [u8; 4] = 0xa1b2_3c4d_u32.to_ne_bytes();
    const FILE_HEADER: usize = 24;
    ensure!(file.starts_with(&MAGIC), "tcpdump wrote no capture in nanoseconds");
    let (mut rest, mut sent, mut truth) = (&file[FILE_HEADER..], BTreeMap::new(), Truth::new());
    while let Some((header, after)) = rest.split_first_chunk::<16>() {
        let word = |nth: usize| u32::from_ne_bytes([header[nth], header[nth + 1], header[nth + 2], header[nth + 3]]);
        let at_ms = f64::from(word(0) % 1_000_000) * 1e3 + f64::from(word(4)) / 1e6;
        let Some((frame, next)) = after.split_at_checked(usize::try_from(word(8))?) else { break };
        rest = next;
        match echo(frame) {
            Some((Echo::Request, seq)) => drop(sent.insert(seq, at_ms)),
            // The first reply counts, as everywhere.
            Some((Echo::Reply, seq)) => {
                if let Some(sent) = sent.get(&seq) {
                    truth.entry(seq).or_insert(at_ms - sent);
                }
            }
            None => {}
        }
    }
    Ok(truth)
}

enum Echo {
    Request,
    Reply,
}

/// Finds an echo's kind and sequence number in an Ethernet frame with IPv4.
fn echo(frame: &[u8]) -> Option<(Echo, u16)> {
    const ETHERNET: usize = 14;
    let packet = frame.get(ETHERNET..)?;
    let message = packet.get(usize::from(packet.first()? & 0xf) * 4..)?;
    let kind = match message.first()? {
        8 => Echo::Request,
        0 => Echo::Reply,
        _ => return None,
    };
    Some((kind, u16::from_be_bytes([*message.get(6)?, *message.get(7)?])))
}
