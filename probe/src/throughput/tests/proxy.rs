//! Through a proxy that really speaks CONNECT.

use tokio::io::copy_bidirectional;

use super::*;

/// A proxy that knows one user and leads them where they ask; it tells each place.
async fn proxy() -> (Proxy, mpsc::Receiver<String>, JoinSet<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (told, asked) = mpsc::channel(64);
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut through = JoinSet::new();
        while let Ok((mut near, _)) = listener.accept().await {
            let told = told.clone();
            through.spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(near.read_u8().await.expect("a request"));
                }
                let head = String::from_utf8(head).expect("text");
                let place = head.split(' ').nth(1).expect("a place").to_owned();
                if !head.contains("Proxy-Authorization: Basic x\r\n") {
                    near.write_all(b"HTTP/1.1 407 Who\r\n\r\n").await.expect("written");
                    return;
                }
                let mut far = tokio::net::TcpStream::connect(&place).await.expect("somebody is there");
                told.send(place).await.expect("the story goes on");
                near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("written");
                // Either end may break off.
                copy_bidirectional(&mut near, &mut far).await.ok();
            });
        }
    });
    let proxy = Proxy {
        host: address.ip().to_string().parse().expect("an address"),
        port: address.port(),
        authorization: Some("Basic x".into()),
    };
    (proxy, asked, serving)
}

#[tokio::test]
async fn both_directions_go_through_a_proxy_and_say_so() {
    let server = Server::start().await;
    let (proxy, mut asked, _serving) = proxy().await;
    // Where the proxy leads to is not for this end to admit.
    let target = SpeedTarget { proxy: Some(proxy.clone()), admit: Arc::new(|_| false), ..server.target("") };
    for direction in [Direction::Download, Direction::Upload] {
        let (transfer, samples) = run(direction, &target, &test_of(2, 20_000, 2_000_000)).await.expect("measured");
        assert_eq!(transfer.engine.name(), "hyper http/1.1 through a proxy");
        assert_eq!((transfer.address, transfer.idle_rtt), (None, None), "those would be the proxy's");
        let bytes: u64 = samples.iter().map(|sample| sample.bytes).sum();
        assert_eq!(bytes, 2_000_000, "{direction}");
        assert!(samples.iter().all(|sample| sample.rtt.is_none()));
        assert_eq!(asked.recv().await, Some(server.target("").url.replace("http://", "")));
    }
    let stranger = Proxy { authorization: None, ..proxy };
    let target = SpeedTarget { proxy: Some(stranger), ..server.target("") };
    let failed = run(Direction::Download, &target, &test_of(1, 1_000, LOTS)).await;
    let failure = failed.expect_err("not let through").failure();
    assert!(failure.message.contains("does not lead to") && failure.message.contains("user name"), "{failure:?}");
}
