//! The program behind a proxy, as in a company's network: a real CONNECT, whatever it answers.

use std::net::SocketAddr;
use std::process::Stdio;

use cnc_model::Item;
use cnc_model::message::{Farewell, Instruction, ListenerMessage};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::fake::Fake;
use crate::program::{program, text};

/// A proxy that leads everybody who says who they are to one place, and tells each request's lines.
async fn proxy(to: SocketAddr) -> (SocketAddr, mpsc::Receiver<Vec<String>>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (told, requests) = mpsc::channel(8);
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        loop {
            let (near, _) = listener.accept().await.expect("a client");
            let mut near = BufReader::new(near);
            let mut lines = Vec::new();
            loop {
                let mut line = String::new();
                near.read_line(&mut line).await.expect("a line");
                if line == "\r\n" {
                    break;
                }
                lines.push(line.trim_end().to_owned());
            }
            // ann:secret
            let known = lines.iter().any(|line| line == "Proxy-Authorization: Basic YW5uOnNlY3JldA==");
            told.send(lines).await.expect("the story goes on");
            if known {
                let mut far = TcpStream::connect(to).await.expect("the listener");
                near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.expect("written");
                copy_bidirectional(&mut near, &mut far).await.ok();
            } else {
                near.write_all(b"HTTP/1.1 407 Who are you\r\n\r\n<html>").await.expect("written");
            }
        }
    });
    (address, requests, serving)
}

fn run(home: &tempfile::TempDir, proxy: &str) -> tokio::process::Child {
    let mut command = Command::from(program(home));
    // A name that only the proxy knows.
    command.args(["run", "--listener", "http://listener.invalid:8080", "--yes"]).env("HTTP_PROXY", proxy);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().expect("the program runs")
}

#[tokio::test]
async fn a_session_through_a_proxy_that_knows_the_user() {
    let mut fake = Fake::start().await;
    let (address, mut requests, _serving) = proxy(fake.address).await;
    let home = tempfile::tempdir().expect("a folder");
    let child = run(&home, &format!("http://ann:secret@{address}"));
    let (mut stream, _) = fake.welcome(0, Vec::new()).await;
    let request = requests.recv().await.expect("a request");
    assert_eq!(request[0], "CONNECT listener.invalid:8080 HTTP/1.1");
    stream.until(|item| matches!(item, Item::Consent { .. })).await;
    stream.instruct(Instruction::End).await;
    stream.until(|item| matches!(item, Item::Goodbye { .. })).await;
    stream.send(ListenerMessage::Goodbye(Farewell::default())).await;
    let output = child.wait_with_output().await.expect("it ran");
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said} {}", text(&output.stderr));
    assert!(said.contains(&format!("through the proxy {address}")) && !said.contains("secret"), "{said}");
}

#[tokio::test]
async fn a_proxy_that_does_not_know_the_user_is_told_from_the_listener() {
    let fake = Fake::start().await;
    let (address, _requests, _serving) = proxy(fake.address).await;
    let home = tempfile::tempdir().expect("a folder");
    let output = run(&home, &address.to_string()).wait_with_output().await.expect("it ran");
    assert_eq!(output.status.code(), Some(4));
    let told = text(&output.stderr);
    assert!(told.contains(&format!("the proxy {address} does not lead to the listener")), "{told}");
    assert!(told.contains("it wants a user name and password"), "{told}");
    assert!(told.contains("HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"), "{told}");
}

#[tokio::test]
async fn a_proxy_that_is_not_there_and_one_that_makes_no_sense_are_told() {
    let home = tempfile::tempdir().expect("a folder");
    let output = run(&home, "http://127.0.0.1:1").wait_with_output().await.expect("it ran");
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).contains("it cannot be reached"), "{}", text(&output.stderr));
    let output = run(&home, "socks5://127.0.0.1:1").wait_with_output().await.expect("it ran");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("HTTP_PROXY does not name a proxy"), "{}", text(&output.stderr));
}
