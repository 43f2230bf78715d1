use std::time::Duration;

use ::redis::Client;
use healthcheck::checks;
use healthcheck::{Outcome, Status};

use crate::servers::redis::redis;
use crate::text;

/// For what is expected to fail, and for what is expected to pass on a busy machine.
const LIMIT: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_client_s_check_follows_the_server_through_kill_pause_and_restart() {
    let (mut server, client) = redis();
    let address = format!("127.0.0.1:{}", server.port);
    let check = async |limit| checks::redis(&client).timeout(limit).await;
    assert_eq!(
        check(PATIENCE).await,
        Outcome::pass(format!("{address} answered PONG"))
    );

    server.pause();
    let paused = check(LIMIT).await;
    assert_eq!(
        paused,
        Outcome::fail(format!("protocol: {address}: no answer to a PING within 500 ms"))
    );
    // The kept connection is given up, and a new one is accepted by the kernel alone.
    let paused = check(LIMIT).await;
    assert_eq!(
        paused,
        Outcome::fail(format!(
            "connect: {address}: no connection that answers within 500 ms"
        ))
    );
    server.resume();
    assert_eq!(check(PATIENCE).await.status(), Status::Pass);

    server.kill();
    let dead = check(LIMIT).await;
    assert_eq!(dead.status(), Status::Fail);
    assert!(
        text(&dead).starts_with(&format!("connect: {address}: ")),
        "{dead:?}"
    );
    server.start_again();
    assert_eq!(check(PATIENCE).await.status(), Status::Pass);
    server.kill();
    server.start_again();
    assert_eq!(
        check(PATIENCE).await.status(),
        Status::Pass,
        "the connection that broke is no failure"
    );
}

#[tokio::test]
async fn a_manager_s_check_follows_the_server_through_kill_pause_and_restart() {
    let (mut server, client) = redis();
    let manager = client.get_connection_manager().await.unwrap();
    let check = async |limit| checks::redis(&manager).timeout(limit).await;
    assert_eq!(check(PATIENCE).await, Outcome::pass("redis answered PONG"));

    server.pause();
    let paused = check(Duration::from_millis(200)).await;
    assert_eq!(
        paused,
        Outcome::fail("protocol: redis: no answer to a PING within 200 ms")
    );
    server.resume();
    assert_eq!(check(PATIENCE).await.status(), Status::Pass);

    server.kill();
    let dead = check(LIMIT).await;
    assert_eq!(dead.status(), Status::Fail);
    assert!(text(&dead).starts_with("connect: redis: "), "{dead:?}");
    server.start_again();
    // The manager waits longer from try to try, up to some seconds.
    assert_eq!(check(PATIENCE).await.status(), Status::Pass);
}

#[tokio::test]
async fn a_password_that_is_asked_for_is_a_verdict() {
    let (_server, client) = redis();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let secret = format!("{}-{}", "not", "shown");
    let set: () = ::redis::cmd("CONFIG")
        .arg(&["SET", "requirepass", &secret])
        .query_async(&mut connection)
        .await
        .unwrap();
    let () = set;
    let outcome = checks::redis(&client).await;
    assert_eq!(outcome.status(), Status::Fail);
    assert!(
        text(&outcome).starts_with("verdict: ") && text(&outcome).contains("NOAUTH"),
        "{outcome:?}"
    );
    let wrong = Client::open(client.get_connection_info().addr().clone());
    assert_eq!(checks::redis(&wrong.unwrap()).await.status(), Status::Fail);
}
