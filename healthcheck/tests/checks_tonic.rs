//! Tests how the check `tonic` interprets the answers of a gRPC channel. The package `tests` has further tests of this
//! check against a real gRPC server, behind the feature `e2e`.
#![allow(clippy::unwrap_used)]

use std::future::{pending, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use healthcheck::checks;
use healthcheck::{Outcome, Status};
use tonic::body::Body;
use tonic::codegen::{Service, StdError, http};
use tonic_health::pb::health_check_response::ServingStatus;

/// A gRPC channel that reacts in the same way to every call.
#[derive(Clone)]
enum Channel {
    State(i32),
    Refusal(tonic::Code, &'static str),
    Broken(&'static str),
    Silent,
}

impl Service<http::Request<Body>> for Channel {
    type Response = http::Response<Body>;
    type Error = StdError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, StdError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), StdError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Check");
        let answer = http::Response::builder().header("content-type", "application/grpc");
        match self.clone() {
            Self::State(state) => {
                // A gRPC frame: the compression flag (1 byte), the length (4 bytes), and a message whose field 1 is the
                // number `state`.
                let message = [0, 0, 0, 0, 2, 0x08, u8::try_from(state).unwrap()];
                let body = Body::new(String::from_utf8(message.to_vec()).unwrap());
                Box::pin(ready(Ok(answer.header("grpc-status", 0).body(body).unwrap())))
            }
            Self::Refusal(code, message) => {
                let answer = answer
                    .header("grpc-status", i32::from(code))
                    .header("grpc-message", message);
                Box::pin(ready(Ok(answer.body(Body::empty()).unwrap())))
            }
            Self::Broken(why) => Box::pin(ready(Err(io::Error::other(why).into()))),
            Self::Silent => Box::pin(pending()),
        }
    }
}

/// A gRPC channel whose connection has broken while it was idle. The first call on the channel fails. Later calls
/// succeed, as if the channel had opened a new connection.
#[derive(Clone)]
struct Restarted(std::sync::Arc<std::sync::atomic::AtomicBool>);

impl Service<http::Request<Body>> for Restarted {
    type Response = http::Response<Body>;
    type Error = StdError;
    type Future = <Channel as Service<http::Request<Body>>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), StdError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if self.0.swap(false, std::sync::atomic::Ordering::SeqCst) {
            return Channel::Broken("connection reset by peer").call(request);
        }
        Channel::State(ServingStatus::Serving.into()).call(request)
    }
}

#[tokio::test]
async fn a_connection_that_broke_while_nobody_used_it_is_no_failure() {
    let restarted = Restarted(std::sync::Arc::new(true.into()));
    assert_eq!(
        checks::tonic(&restarted).await,
        Outcome::pass("the server is SERVING")
    );
}

fn text(outcome: &Outcome) -> &str {
    outcome.output().as_str().unwrap()
}

#[tokio::test]
async fn only_what_serves_passes() {
    let serving = Channel::State(ServingStatus::Serving.into());
    assert_eq!(
        checks::tonic(&serving).await,
        Outcome::pass("the server is SERVING")
    );
    let named = checks::tonic(&serving).service("orders.v1.Orders").await;
    assert_eq!(named, Outcome::pass("orders.v1.Orders is SERVING"));
    for (state, told) in [
        (
            ServingStatus::NotServing.into(),
            "verdict: the server is NOT_SERVING",
        ),
        (ServingStatus::Unknown.into(), "verdict: the server is UNKNOWN"),
        (99, "verdict: the server is in a state unknown here, 99"),
    ] {
        assert_eq!(checks::tonic(&Channel::State(state)).await, Outcome::fail(told));
    }
}

#[tokio::test]
async fn each_failure_names_its_layer() {
    use tonic::Code;
    for (channel, expected) in [
        (
            Channel::Broken("dns error: failed to lookup address information"),
            "DNS: ",
        ),
        (
            Channel::Broken("tcp connect error: Connection refused (os error 111)"),
            "connect: ",
        ),
        (
            Channel::Broken("invalid peer certificate: UnknownIssuer"),
            "TLS: ",
        ),
        (Channel::Broken("connection reset"), "protocol: "),
        (Channel::Silent, "protocol: no answer within 50 ms"),
        (
            Channel::Refusal(Code::Unimplemented, "unknown service"),
            "protocol: the server has no service grpc.health.v1.Health",
        ),
        (
            Channel::Refusal(Code::NotFound, "unknown"),
            "verdict: the server knows no service orders.v1.Orders",
        ),
        (
            Channel::Refusal(Code::Unauthenticated, "who are you"),
            "verdict: Unauthenticated: who are you",
        ),
        (
            Channel::Refusal(Code::Unavailable, "draining"),
            "verdict: Unavailable: draining",
        ),
    ] {
        let check = checks::tonic(&channel).service("orders.v1.Orders");
        let outcome = check.timeout(Duration::from_millis(50)).await;
        assert_eq!(outcome.status(), Status::Fail, "{expected}");
        assert!(
            text(&outcome).starts_with(expected),
            "{} instead of {expected}",
            text(&outcome)
        );
    }
}
