//! How soon a listener is ready on a store of ten million samples, beside one on an empty store.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cnc_integration_tests::programs::program;
use tokio::time::Instant;

use super::TURNS;
use crate::figure::{Bound, Figure, median};

/// Measures it.
pub(super) fn run(big: &Path) -> Result<Vec<Figure>> {
    let empty = tempfile::tempdir()?;
    // The first start makes the tables and the admin's token; what is asked is how soon it is back.
    ready(empty.path(), "")?;
    ready(big, "")?;
    let mut times = [vec![], vec![]];
    for _ in 0..TURNS {
        times[0].push(ready(big, "KILL")?);
        times[1].push(ready(empty.path(), "KILL")?);
    }
    let [ours, peer] = times.map(median);
    Ok(vec![Figure {
        name: "history: start to ready on 10 M samples, killed before".into(),
        unit: "ms",
        ours,
        peer,
        goal: Bound::Most(200.0).into(),
        version: "the same listener on an empty store".into(),
        turns: 1,
        why: "",
    }])
}

/// Starts a listener, gives the milliseconds until it says that it is ready, and ends it.
fn ready(data: &Path, signal: &str) -> Result<f64> {
    let began = Instant::now();
    let mut child = Command::new(program("cnc-listener"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let told = until_ready(&mut child, began);
    if signal == "KILL" {
        child.kill()?;
    } else {
        ensure!(Command::new("kill").arg(child.id().to_string()).status()?.success(), "it is told to end");
    }
    child.wait()?;
    told
}

fn until_ready(child: &mut Child, began: Instant) -> Result<f64> {
    let mut said = BufReader::new(child.stdout.take().context("it is piped")?);
    let address = loop {
        let mut line = String::new();
        ensure!(said.read_line(&mut line)? > 0, "it ended before it listened");
        if let Some((address, _)) = line.strip_prefix("listening on ").and_then(|rest| rest.split_once(';')) {
            break address.to_owned();
        }
    };
    loop {
        let mut stream = TcpStream::connect(&address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if answer.starts_with("HTTP/1.1 200") {
            return Ok(began.elapsed().as_secs_f64() * 1e3);
        }
        ensure!(began.elapsed() < Duration::from_secs(30), "it is not ready: {answer}");
    }
}
