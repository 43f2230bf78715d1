//! Helpers that build routers, and that send requests to routers, with and without a socket.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode, Version};
use healthcheck::{Check, Outcome};
use healthcheck_axum::Endpoints;
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

pub use healthcheck_tests::{built, by_hand};

pub fn passes(name: &str) -> Check {
    Check::new(name, async || Outcome::pass("fine"))
}

pub fn warns(name: &str) -> Check {
    Check::new(name, async || Outcome::warn("hm"))
}

pub fn fails(name: &str) -> Check {
    Check::new(name, async || Outcome::fail("broken"))
}

/// Returns a router with the default configuration. The router's health check has only these checks.
pub fn plain(checks: impl IntoIterator<Item = Check>) -> Router {
    router(Endpoints::new(built(checks)))
}

pub fn router(endpoints: Endpoints) -> Router {
    endpoints.router().expect("the endpoints fit together")
}

/// Returns a request without a body. It contains no client address, so the router doesn't know the client.
pub fn request(method: Method, uri: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(uri)
        .body(Body::empty())
        .expect("the request can be made")
}

pub fn get(uri: &str) -> Request<Body> {
    request(Method::GET, uri)
}

/// Returns a GET request whose client address is on this machine.
pub fn local(uri: &str) -> Request<Body> {
    from("127.0.0.1:40000", uri)
}

pub fn from(peer: &str, uri: &str) -> Request<Body> {
    let mut request = get(uri);
    let peer: SocketAddr = peer.parse().expect("an address");
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

pub fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request
        .headers_mut()
        .append(name, value.parse().expect("a header's value"));
    request
}

pub fn over(mut request: Request<Body>, version: Version) -> Request<Body> {
    *request.version_mut() = version;
    request
}

/// The status, the headers and the complete body of a response.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name)?;
        Some(value.to_str().expect("a header of text"))
    }

    /// Parses the body as a JSON report. Returns the names of the checks in the report.
    pub fn checkers(&self) -> Vec<String> {
        let json = self.json();
        let results = json["results"].as_array().expect("a report");
        let names = results
            .iter()
            .map(|result| result["checker"].as_str().expect("a name").to_owned());
        names.collect()
    }
}

pub async fn ask(router: &Router, request: Request<Body>) -> Answer {
    let response = router
        .clone()
        .oneshot(request)
        .await
        .expect("a router never fails");
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("the body can be read").to_bytes();
    Answer {
        status: head.status,
        headers: head.headers,
        body,
    }
}

/// Serves the router on a loopback address until the runtime of the test ends. Returns the address.
pub async fn served(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

/// Sends these bytes over a new connection. Returns everything that the server sends until it closes the connection.
pub async fn raw(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    // This write may fail, because the server may refuse the request and close the connection before it has read all
    // bytes.
    let _ = stream.write_all(bytes.as_ref()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}
