use std::time::{Duration, Instant};

use ::tonic::transport::Endpoint;
use healthcheck::checks;
use healthcheck::{Outcome, Status};
use tokio::net::TcpListener;
use tonic_health::ServingStatus;

use crate::servers::grpc::{Grpc, channel};
use crate::text;

#[tokio::test]
async fn the_server_and_its_services_are_asked_over_the_channel_that_is_there() {
    let server = Grpc::start("127.0.0.1:0");
    let (reporter, address) = (server.reporter.clone(), server.address);
    let channel = channel(address);
    assert_eq!(
        checks::tonic(&channel).await,
        Outcome::pass("the server is SERVING")
    );
    let orders = async || checks::tonic(&channel).service("orders.v1.Orders").await;
    assert_eq!(
        orders().await,
        Outcome::fail("verdict: the server knows no service orders.v1.Orders")
    );
    reporter
        .set_service_status("orders.v1.Orders", ServingStatus::NotServing)
        .await;
    assert_eq!(
        orders().await,
        Outcome::fail("verdict: orders.v1.Orders is NOT_SERVING")
    );
    reporter
        .set_service_status("orders.v1.Orders", ServingStatus::Serving)
        .await;
    assert_eq!(orders().await.status(), Status::Pass);

    drop(server);
    // The server's end has closed the channel's connection. So the check immediately opens a new connection. The new
    // connection is refused, because the server has stopped.
    let outcome = orders().await;
    assert!(
        text(&outcome).starts_with("connect: ") && text(&outcome).contains("refused"),
        "{outcome:?}"
    );
    // A second check fails just as fast as the first one.
    let began = Instant::now();
    assert_eq!(orders().await.status(), Status::Fail);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let server = Grpc::start(&address.to_string());
    server
        .reporter
        .set_service_status("orders.v1.Orders", ServingStatus::Serving)
        .await;
    assert_eq!(orders().await.status(), Status::Pass);
}

#[tokio::test]
async fn what_is_no_grpc_server_is_told_by_its_layer() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let outcome = checks::tonic(&channel(silent.local_addr().unwrap()))
        .timeout(Duration::from_millis(200))
        .await;
    assert_eq!(outcome, Outcome::fail("protocol: no answer within 200 ms"));
    let unknown = Endpoint::from_shared(format!("http://{}.invalid:1", "x".repeat(64)))
        .unwrap()
        .connect_lazy();
    let outcome = checks::tonic(&unknown).await;
    assert!(text(&outcome).starts_with("DNS: "), "{outcome:?}");
}
