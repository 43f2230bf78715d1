//! Tests that the server answers malicious and malformed requests with a 4xx status and a JSON body. After such a
//! request, the server must be able to answer other requests.

use axum::http::{StatusCode, Uri};

use crate::support::{ask, get, local, passes, plain, raw, served, with};

/// Returns malicious and malformed query strings. Each has the status code that the answer must have.
fn queries() -> Vec<(String, StatusCode)> {
    let long = "a".repeat(60 * 1024);
    vec![
        ("check=%".into(), StatusCode::BAD_REQUEST),
        ("check=%g1".into(), StatusCode::BAD_REQUEST),
        ("%".into(), StatusCode::BAD_REQUEST),
        ("%00".into(), StatusCode::BAD_REQUEST),
        ("check=a%00b".into(), StatusCode::BAD_REQUEST),
        ("check=%0d%0aSet-Cookie:+x".into(), StatusCode::BAD_REQUEST),
        ("check=%ff%fe".into(), StatusCode::BAD_REQUEST),
        ("check=%c0%80".into(), StatusCode::BAD_REQUEST),
        ("tag=%ed%a0%80".into(), StatusCode::BAD_REQUEST),
        (vec!["check=a"; 1_025].join("&"), StatusCode::BAD_REQUEST),
        (vec!["x"; 5_000].join("&"), StatusCode::BAD_REQUEST),
        (format!("check={long}"), StatusCode::URI_TOO_LONG),
        (format!("x={long}"), StatusCode::URI_TOO_LONG),
        ("check=../../etc/passwd".into(), StatusCode::NOT_FOUND),
        ("check=<script>alert(1)</script>".into(), StatusCode::NOT_FOUND),
        (
            "check=%22%7D%5D%2C%22status%22%3A%22success".into(),
            StatusCode::NOT_FOUND,
        ),
        ("tag=%E2%80%AE".into(), StatusCode::NOT_FOUND),
        ("check=a;tag=b".into(), StatusCode::NOT_FOUND),
        ("check=a=b".into(), StatusCode::NOT_FOUND),
    ]
}

#[tokio::test]
async fn a_hostile_query_is_4xx_with_a_json_body_on_every_path() {
    let app = plain([passes("a")]);
    for (query, status) in queries() {
        for path in ["/healthcheck", "/readyz", "/healthcheck/a"] {
            let uri = format!("{path}?{query}");
            let Ok(_) = uri.parse::<Uri>() else {
                continue; // The HTTP parser refuses this URI before the router gets it.
            };
            let answer = ask(&app, get(&uri)).await;
            assert_eq!(answer.status, status, "{uri:.80}");
            assert!(answer.json()["error"].is_string(), "{uri:.80}");
            assert_eq!(
                answer.header("x-content-type-options"),
                Some("nosniff"),
                "{uri:.80}"
            );
        }
    }
    assert_eq!(ask(&app, get("/healthcheck")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_hostile_path_is_4xx_with_a_json_body() {
    let app = plain([passes("a")]);
    let long = format!("/healthcheck/{}", "a".repeat(60 * 1024));
    for (path, status) in [
        ("/healthcheck/%ff", StatusCode::BAD_REQUEST),
        ("/readyz/%c3", StatusCode::BAD_REQUEST),
        ("/healthcheck/%00", StatusCode::NOT_FOUND),
        ("/healthcheck/%", StatusCode::NOT_FOUND),
        ("/healthcheck/%zz", StatusCode::NOT_FOUND),
        ("/healthcheck/..%2f..%2fetc%2fpasswd", StatusCode::NOT_FOUND),
        ("/healthcheck/%0d%0aX-Injected:%201", StatusCode::NOT_FOUND),
        ("/livez/..", StatusCode::NOT_FOUND),
        (&long, StatusCode::NOT_FOUND),
    ] {
        let answer = ask(&app, get(path)).await;
        assert_eq!(answer.status, status, "{path:.80}");
        assert!(answer.json()["error"].is_string(), "{path:.80}");
        assert!(!answer.headers.contains_key("x-injected"), "{path:.80}");
    }
}

#[tokio::test]
async fn a_hostile_section_is_4xx_with_a_json_body() {
    let app = plain([passes("a")]);
    for (path, status) in [
        ("/environment/%ff", StatusCode::BAD_REQUEST),
        ("/environment/%00", StatusCode::NOT_FOUND),
        ("/environment/%7B%22", StatusCode::NOT_FOUND),
    ] {
        let answer = ask(&app, local(path)).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.json()["error"].is_string(), "{path}");
    }
}

#[tokio::test]
async fn hostile_headers_are_refused_or_ignored_and_never_a_panic() {
    let app = plain([passes("a")]);
    for (name, value) in [
        ("host", ""),
        ("host", "[::1"),
        ("host", "localhost:99999999999999999999"),
        ("authorization", "Bearer"),
        ("authorization", "Bearer "),
        ("authorization", "é"),
        ("accept", ";;;,,,q=9"),
        ("x-forwarded-for", ""),
    ] {
        let answer = ask(&app, with(local("/environment"), name, value)).await;
        assert!(
            matches!(answer.status, StatusCode::OK | StatusCode::FORBIDDEN),
            "{name}: {value}: {}",
            answer.status
        );
        let answer = ask(&app, with(local("/healthcheck"), name, value)).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {value}");
    }
}

#[tokio::test]
async fn over_a_socket_hostile_bytes_end_their_connection_and_no_other() {
    let address = served(plain([passes("a")])).await;
    let long = "a".repeat(64 * 1024);
    for bytes in [
        format!("GET /healthcheck?{long} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .into_bytes(),
        format!("GET /healthcheck/{long} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .into_bytes(),
        b"GET /healthcheck?check=\0 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_vec(),
        b"GET /healthcheck/\xff\xfe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_vec(),
        b"GET /healthcheck?check=% HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
    ] {
        let answer = raw(address, &bytes).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer:.200}");
    }
    let answer = raw(
        address,
        "GET /healthcheck HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}
