//! Turns an axum router into a `Service`, with which a server in a test answers requests.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use tower_service::Service as _;

use super::connection::Service;
use crate::http::router::Responding;

pub(super) fn service(router: Router) -> Service {
    Arc::new(move |head, peer: SocketAddr| {
        let mut router = router.clone();
        Responding::Waiting(Box::pin(async move {
            let mut request = Request::from_parts(head, Body::empty());
            request.extensions_mut().insert(ConnectInfo(peer));
            let (head, body) = router.call(request).await.unwrap().into_parts();
            Response::from_parts(head, to_bytes(body, usize::MAX).await.unwrap())
        }))
    })
}
