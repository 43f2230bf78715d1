//! Tests the example `grpc` with the gRPC client of the crate tonic.

use rustix::process::{Pid, Signal, kill_process};
use tonic::transport::Channel;
use tonic::{Code, Streaming};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::example::{Example, LIMIT, command};

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

async fn check(client: &mut HealthClient<Channel>, service: &str) -> Result<ServingStatus, Code> {
    let answer = client.check(of(service)).await;
    answer
        .map(|answer| answer.into_inner().status())
        .map_err(|status| status.code())
}

/// Reads answers from the stream until one of them has this status.
async fn sees(stream: &mut Streaming<HealthCheckResponse>, status: ServingStatus) {
    let seen = async {
        loop {
            let told = stream.message().await.unwrap().expect("the stream goes on");
            if told.status() == status {
                break;
            }
        }
    };
    tokio::time::timeout(LIMIT, seen)
        .await
        .expect("the change is told");
}

#[tokio::test]
async fn check_and_watch_follow_a_check_that_fails_and_recovers_and_the_drain() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("healthcheck-grpc");
    std::fs::create_dir(&folder).unwrap();
    let mut example = Example::run(
        command("grpc")
            .args(["127.0.0.1:0", "127.0.0.1:0"])
            .env("TMPDIR", temporary.path()),
    );
    let (_pages, grpc) = (example.address(), example.address());
    let channel = Channel::from_shared(format!("http://{grpc}")).unwrap();
    let mut client = HealthClient::new(channel.connect().await.unwrap());

    let mut whole = client.watch(of("")).await.unwrap().into_inner();
    sees(&mut whole, ServingStatus::Serving).await;
    let mut storage = client.watch(of("storage")).await.unwrap().into_inner();
    sees(&mut storage, ServingStatus::Serving).await;
    assert_eq!(check(&mut client, "").await, Ok(ServingStatus::Serving));
    assert_eq!(check(&mut client, "storage").await, Ok(ServingStatus::Serving));

    std::fs::remove_dir(&folder).unwrap();
    sees(&mut storage, ServingStatus::NotServing).await;
    sees(&mut whole, ServingStatus::NotServing).await;
    assert_eq!(check(&mut client, "storage").await, Ok(ServingStatus::NotServing));

    std::fs::create_dir(&folder).unwrap();
    sees(&mut storage, ServingStatus::Serving).await;
    sees(&mut whole, ServingStatus::Serving).await;

    let pid = Pid::from_raw(i32::try_from(example.process.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    sees(&mut whole, ServingStatus::NotServing).await;
    assert_eq!(check(&mut client, "").await, Ok(ServingStatus::NotServing));

    // One client still watches a gRPC service. The test asserts that the process ends nevertheless.
    let ended = tokio::task::spawn_blocking(move || example.process.wait());
    let ended = tokio::time::timeout(LIMIT, ended).await;
    assert!(ended.expect("it ends").unwrap().unwrap().success());
}

#[tokio::test]
async fn an_unknown_service_is_not_found_and_whoever_watches_it_is_told_so() {
    let example = Example::start("grpc", &["127.0.0.1:0", "127.0.0.1:0"]);
    let (_pages, grpc) = (example.address(), example.address());
    let channel = Channel::from_shared(format!("http://{grpc}")).unwrap();
    let mut client = HealthClient::new(channel.connect().await.unwrap());
    assert_eq!(check(&mut client, "orders").await, Err(Code::NotFound));
    let mut watched = client.watch(of("orders")).await.unwrap().into_inner();
    sees(&mut watched, ServingStatus::ServiceUnknown).await;
}
