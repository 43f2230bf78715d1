//! More clients than places.

use super::*;

#[tokio::test]
async fn who_takes_every_place_and_asks_nothing_keeps_no_probe_out() {
    let (listener, addr) = listen().await;
    let mut server = server(&no_checks(), Router::new());
    server.limits.connections = 64;
    let serving = tokio::spawn(server.run(listener, std::future::pending()));
    let mut silent = Vec::new();
    for _ in 0..128 {
        silent.push(TcpStream::connect(addr).await.unwrap());
    }
    for _ in 0..100 {
        let asked = timeout(SOON, ask(addr, "/readyz")).await;
        let answer = asked.expect("at once, and not after their time is up").unwrap();
        assert!(answer.ends_with("success"), "{answer}");
    }
    let mut first = Vec::new();
    silent[0].read_to_end(&mut first).await.unwrap();
    assert!(first.is_empty(), "it was closed");
    serving.abort();
}

#[tokio::test]
async fn a_request_that_has_come_is_answered_however_many_come_with_it_and_though_a_place_is_wanted() {
    const KEPT: usize = 100;
    let (listener, addr) = listen().await;
    let (entered, inside) = (Arc::new(Notify::new()), mpsc::channel::<()>());
    let (leave, left) = (inside.0, Arc::new(Mutex::new(inside.1)));
    // Holds the server's thread, so that all that comes meanwhile is there at once.
    let router = Router::new().route(
        "/hold",
        get({
            let entered = Arc::clone(&entered);
            async move || {
                entered.notify_one();
                let _ = left.lock().map(|left| left.recv());
                "held"
            }
        }),
    );
    let mut server = server(&no_checks(), router);
    server.limits.connections = KEPT + 1;
    let serving = tokio::spawn(server.run(listener, std::future::pending()));
    let request = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut buffer = [0; 1024];
    let mut kept = Vec::new();
    for _ in 0..KEPT {
        let mut client = TcpStream::connect(addr).await.unwrap();
        client.write_all(request).await.unwrap();
        assert!(client.read(&mut buffer).await.unwrap() > 0);
        kept.push(client);
    }
    let mut holder = TcpStream::connect(addr).await.unwrap();
    holder
        .write_all(b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    timeout(SOON, entered.notified()).await.unwrap();
    // The one that has stood idle longest comes last.
    for client in kept.iter_mut().rev() {
        client.write_all(request).await.unwrap();
    }
    let next = tokio::spawn(ask(addr, "/readyz"));
    let _other = TcpStream::connect(addr).await.unwrap();
    leave.send(()).unwrap();
    let mut unanswered = 0;
    for client in &mut kept {
        let count = timeout(SOON, client.read(&mut buffer))
            .await
            .unwrap()
            .unwrap_or_default();
        unanswered += usize::from(count == 0);
    }
    assert_eq!(unanswered, 0);
    assert!(next.await.unwrap().unwrap().ends_with("success"));
    serving.abort();
}
