use std::time::{Duration, Instant};

use ::redis::Client;
use healthcheck::checks;
use healthcheck::{Outcome, Status};

use crate::servers::redis::redis;
use crate::text;

/// `LIMIT` is the timeout of checks that should fail. `PATIENCE` is the timeout of checks that should pass, and is long
/// enough for a busy machine.
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
    // The kernel still accepts connections for the paused server, but the server doesn't answer.
    assert_eq!(
        check(LIMIT).await,
        Outcome::fail(format!("protocol: {address}: no answer within 500 ms"))
    );
    server.resume();
    assert_eq!(check(PATIENCE).await.status(), Status::Pass);

    server.kill();
    let began = Instant::now();
    let dead = check(PATIENCE).await;
    assert_eq!(dead.status(), Status::Fail);
    assert!(
        text(&dead).starts_with(&format!("connect: {address}: ")) && text(&dead).contains("refused"),
        "{dead:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
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
    for _ in 0..3 {
        let began = Instant::now();
        let dead = check(PATIENCE).await;
        assert_eq!(dead.status(), Status::Fail);
        assert!(
            text(&dead).starts_with("connect: redis: ") && text(&dead).contains("refused"),
            "{dead:?}"
        );
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
    server.start_again();
    // Between two attempts to connect, the connection manager waits for up to a few seconds. So this check needs a long
    // timeout.
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

async fn say(client: &Client, words: &[&str]) {
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = ::redis::Cmd::new();
    command.arg(words);
    let said: String = command.query_async(&mut connection).await.unwrap();
    assert_eq!(said, "OK");
}

#[tokio::test]
async fn a_replica_answers_a_ping_and_is_not_writable_until_it_is_the_primary() {
    let (primary, primary_client) = redis();
    let (_replica, client) = redis();
    let manager = client.get_connection_manager().await.unwrap();
    let primary_address = format!("127.0.0.1:{}", primary.port);
    assert_eq!(
        checks::redis(&primary_client).writable().await,
        Outcome::pass(format!("{primary_address} answered PONG and takes writes"))
    );
    say(&client, &["REPLICAOF", "127.0.0.1", &primary.port.to_string()]).await;
    assert_eq!(checks::redis(&client).await.status(), Status::Pass);
    for outcome in [
        checks::redis(&client).writable().await,
        checks::redis(&manager).writable().await,
    ] {
        assert_eq!(outcome.status(), Status::Fail);
        assert!(
            text(&outcome).starts_with("verdict: ") && text(&outcome).contains("read only replica"),
            "{outcome:?}"
        );
    }
    say(&client, &["REPLICAOF", "NO", "ONE"]).await;
    assert_eq!(checks::redis(&client).writable().await.status(), Status::Pass);
    // Asserts that the check has written no key, although it tests whether writing is possible.
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: u64 = ::redis::cmd("DBSIZE").query_async(&mut connection).await.unwrap();
    assert_eq!(keys, 0);
}

#[tokio::test]
async fn a_primary_that_refuses_writes_is_not_writable() {
    let (server, client) = redis();
    for (setting, value, told) in [
        ("maxmemory", "1", "OOM"),
        ("min-replicas-to-write", "1", "NOREPLICAS"),
    ] {
        say(&client, &["CONFIG", "SET", setting, value]).await;
        assert_eq!(checks::redis(&client).await.status(), Status::Pass);
        let outcome = checks::redis(&client).writable().await;
        assert!(
            text(&outcome).starts_with("verdict: ") && text(&outcome).contains(told),
            "{outcome:?}"
        );
        say(&client, &["CONFIG", "SET", setting, "0"]).await;
    }
    // Creates a Redis user that may use only keys with the prefix `orders:`.
    let user = ["ACL", "SETUSER", "app", "on", "nopass", "~orders:*", "+@all"];
    say(&client, &user).await;
    let port = server.port;
    let app = Client::open(format!("redis://app:any@127.0.0.1:{port}/")).unwrap();
    assert_eq!(
        checks::redis(&app).writable_key("orders:none").await.status(),
        Status::Pass
    );
    assert_eq!(
        checks::redis(&app).writable().await.status(),
        Status::Pass,
        "by its role"
    );
    say(&client, &["ACL", "SETUSER", "app", "-role"]).await;
    let outcome = checks::redis(&app).writable().await;
    assert!(
        text(&outcome).starts_with("verdict: ") && text(&outcome).contains("no permissions"),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_server_that_is_full_refuses_a_client_s_check_and_not_a_connection_s() {
    let (_server, client) = redis();
    let kept = client.get_multiplexed_async_connection().await.unwrap();
    say(&client, &["CONFIG", "SET", "maxclients", "1"]).await;
    let outcome = checks::redis(&client).await;
    assert_eq!(outcome.status(), Status::Fail, "{outcome:?}");
    assert!(
        text(&outcome).starts_with("verdict: ")
            && text(&outcome).ends_with(": ERR max number of clients reached"),
        "{outcome:?}"
    );
    assert_eq!(checks::redis(&kept).await.status(), Status::Pass);
}
