//! Tests which clients may see the environment page and the history.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::MockConnectInfo;
use axum::http::{Request, StatusCode, Version};
use healthcheck_axum::{Access, Endpoints};

use crate::support::{ask, built, from, get, local, over, passes, plain, router, with};

const FORWARDED: [(&str, &str); 9] = [
    ("forwarded", "for=192.0.2.1"),
    ("via", "1.1 proxy"),
    ("x-forwarded-for", "127.0.0.1"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-anything", ""),
    ("x-real-ip", "127.0.0.1"),
    ("x-envoy-external-address", "192.0.2.1"),
    ("x-envoy-internal", "true"),
    ("l5d-dst-canonical", "x"),
];

fn guarded(access: Access) -> Router {
    router(Endpoints::new(built([passes("a")])).environment_access(access))
}

async fn status(router: &Router, request: Request<Body>) -> StatusCode {
    ask(router, request).await.status
}

fn secret(part: &str) -> String {
    format!("{part}-{}", "s3cr3t")
}

fn bearing(token: &str) -> Request<Body> {
    with(
        get("/environment/rust"),
        "authorization",
        &format!("Bearer {token}"),
    )
}

#[tokio::test]
async fn public_lets_everybody_in_and_denied_nobody() {
    let request = || with(from("203.0.113.9:1", "/environment/rust"), "via", "1.1 proxy");
    assert_eq!(
        status(&guarded(Access::public()), request()).await,
        StatusCode::OK
    );
    assert_eq!(
        status(&guarded(Access::denied()), local("/environment/rust")).await,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn direct_lets_in_what_carries_no_sign_of_a_proxy_from_wherever() {
    let app = guarded(Access::direct());
    for request in [
        get("/environment/rust"),
        from("203.0.113.9:1", "/environment/rust"),
        over(get("/environment/rust"), Version::HTTP_10),
        with(get("/environment/rust"), "host", "example.com"),
        with(get("/environment/rust"), "x-request-id", "1"),
        with(get("/environment/rust"), "x-real-ipv6", "1"),
    ] {
        assert_eq!(status(&app, request).await, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_proxied_request_never_counts_as_direct_or_loopback() {
    for app in [guarded(Access::direct()), guarded(Access::loopback())] {
        for (name, value) in FORWARDED {
            let answer = ask(&app, with(local("/environment/rust"), name, value)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}");
            let error = answer.json()["error"].as_str().expect("a text").to_owned();
            assert!(error.contains(&format!("`{name}`")), "{error}");
        }
    }
}

#[tokio::test]
async fn loopback_is_the_default_and_lets_in_this_machine_alone() {
    let app = plain([passes("a")]);
    for path in ["/environment", "/environment/rust", "/healthcheck/history"] {
        for (peer, expected) in [
            ("127.0.0.1:5", StatusCode::OK),
            ("[::1]:5", StatusCode::OK),
            ("[::ffff:127.0.0.1]:5", StatusCode::OK),
            ("127.0.0.2:5", StatusCode::FORBIDDEN),
            ("10.1.2.3:5", StatusCode::FORBIDDEN),
            ("[2001:db8::1]:5", StatusCode::FORBIDDEN),
        ] {
            assert_eq!(status(&app, from(peer, path)).await, expected, "{peer} {path}");
        }
    }
}

#[tokio::test]
async fn loopback_asks_for_a_local_host_where_one_is_sent() {
    let app = guarded(Access::loopback());
    for host in [
        "localhost",
        "LOCALHOST:8080",
        "127.0.0.1",
        "127.0.0.1:8080",
        "[::1]",
        "[::1]:8080",
    ] {
        let request = with(local("/environment/rust"), "host", host);
        assert_eq!(status(&app, request).await, StatusCode::OK, "{host}");
    }
    for host in [
        "",
        "example.com",
        "localhost.example.com",
        "127.0.0.1.nip.io",
        "10.0.0.1:80",
        "localhost:x",
    ] {
        let request = with(local("/environment/rust"), "host", host);
        assert_eq!(status(&app, request).await, StatusCode::FORBIDDEN, "{host}");
    }
    let doubled = with(
        with(local("/environment/rust"), "host", "localhost"),
        "host",
        "example.com",
    );
    assert_eq!(status(&app, doubled).await, StatusCode::FORBIDDEN);
    let absolute = local("http://example.com/environment/rust");
    assert_eq!(status(&app, absolute).await, StatusCode::FORBIDDEN);
    let absolute = local("http://localhost:8080/environment/rust");
    assert_eq!(status(&app, absolute).await, StatusCode::OK);
}

#[tokio::test]
async fn loopback_refuses_http_1_0_and_takes_later_versions() {
    let app = guarded(Access::loopback());
    for (version, expected) in [
        (Version::HTTP_09, StatusCode::FORBIDDEN),
        (Version::HTTP_10, StatusCode::FORBIDDEN),
        (Version::HTTP_11, StatusCode::OK),
        (Version::HTTP_2, StatusCode::OK),
    ] {
        let request = over(local("/environment/rust"), version);
        assert_eq!(status(&app, request).await, expected, "{version:?}");
    }
}

#[tokio::test]
async fn without_a_peer_address_loopback_is_refused_and_says_how_to_wire_it() {
    let answer = ask(&plain([passes("a")]), get("/environment")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let body = answer.json();
    let remedy = body["how_to_allow"].as_str().expect("a text");
    assert!(
        remedy.contains("into_make_service_with_connect_info::<std::net::SocketAddr>()"),
        "{remedy}"
    );
}

#[tokio::test]
async fn the_peer_that_a_test_mocks_counts() {
    let peer: SocketAddr = "127.0.0.1:1".parse().expect("an address");
    let app = plain([passes("a")]).layer(MockConnectInfo(peer));
    assert_eq!(status(&app, get("/environment/rust")).await, StatusCode::OK);
}

#[tokio::test]
async fn a_refusal_is_json_that_says_how_to_allow_it() {
    for (access, request) in [
        (Access::denied(), local("/environment")),
        (Access::direct(), with(get("/environment"), "via", "x")),
        (Access::loopback(), from("192.0.2.7:1", "/environment")),
        (Access::when(|_| false), local("/environment")),
    ] {
        let answer = ask(&guarded(access), request).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(!answer.headers.contains_key("www-authenticate"));
        let body = answer.json();
        assert!(
            body["error"].as_str().expect("a text").contains("this page"),
            "{body}"
        );
        let remedy = body["how_to_allow"].as_str().expect("a text");
        assert!(remedy.contains("Endpoints::environment_access"), "{remedy}");
    }
}

#[tokio::test]
async fn a_bearer_is_let_in_with_its_token_and_is_told_401_without() {
    let app = guarded(Access::bearer(secret("right")));
    assert_eq!(status(&app, bearing(&secret("right"))).await, StatusCode::OK);
    let lower = with(
        get("/environment/rust"),
        "authorization",
        &format!("bEARER   {} ", secret("right")),
    );
    assert_eq!(status(&app, lower).await, StatusCode::OK);
    for request in [
        get("/environment/rust"),
        local("/environment/rust"),
        bearing(""),
        bearing(&secret("wrong")),
        bearing(&secret("right").to_uppercase()),
        bearing(&format!("{}x", secret("right"))),
        with(
            get("/environment/rust"),
            "authorization",
            &format!("Basic {}", secret("right")),
        ),
        with(get("/environment/rust"), "authorization", &secret("right")),
        with(bearing(&secret("right")), "authorization", "Bearer another"),
    ] {
        let answer = ask(&app, request).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert!(
            answer.json()["how_to_allow"]
                .as_str()
                .expect("a text")
                .contains("Authorization: Bearer")
        );
        assert!(!String::from_utf8_lossy(&answer.body).contains(&secret("right")));
    }
}

#[tokio::test]
async fn while_tokens_are_rotated_the_old_and_the_new_one_work() {
    let app = guarded(Access::bearers([secret("old"), secret("new")]));
    assert_eq!(status(&app, bearing(&secret("old"))).await, StatusCode::OK);
    assert_eq!(status(&app, bearing(&secret("new"))).await, StatusCode::OK);
    assert_eq!(
        status(&app, bearing(&secret("other"))).await,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn an_empty_token_lets_nobody_in() {
    for access in [
        Access::bearer(""),
        Access::bearer("  "),
        Access::bearers(Vec::<String>::new()),
    ] {
        let app = guarded(access);
        for authorization in ["Bearer ", "Bearer", "Bearer  ", ""] {
            let request = with(get("/environment/rust"), "authorization", authorization);
            assert_eq!(status(&app, request).await, StatusCode::UNAUTHORIZED);
        }
    }
}

#[tokio::test]
async fn a_file_of_tokens_is_read_again_within_about_a_second() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(
        file.path(),
        format!("{}\n\n  {}\r\n", secret("one"), secret("two")),
    )
    .expect("written");
    let app = guarded(Access::bearer_file(file.path()));
    assert_eq!(status(&app, bearing(&secret("one"))).await, StatusCode::OK);
    assert_eq!(status(&app, bearing(&secret("two"))).await, StatusCode::OK);
    assert_eq!(status(&app, bearing("")).await, StatusCode::UNAUTHORIZED);

    fs::write(file.path(), secret("three")).expect("written");
    let began = Instant::now();
    while status(&app, bearing(&secret("three"))).await != StatusCode::OK {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "the file was never read again"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(
        status(&app, bearing(&secret("one"))).await,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_file_of_tokens_that_is_missing_empty_or_huge_lets_nobody_in() {
    let directory = tempfile::tempdir().expect("a directory");
    let missing = directory.path().join("missing");
    let empty = directory.path().join("empty");
    fs::write(&empty, "\n \n").expect("written");
    let huge = directory.path().join("huge");
    fs::write(&huge, format!("{}\n", secret("x")).repeat(10_000)).expect("written");
    for path in [missing, empty, huge, directory.path().to_owned()] {
        let app = guarded(Access::bearer_file(path));
        assert_eq!(
            status(&app, bearing(&secret("x"))).await,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(status(&app, bearing("")).await, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_closure_decides_by_the_head_of_the_request() {
    let app = guarded(Access::when(|head| head.headers.contains_key("x-on-call")));
    assert_eq!(
        status(&app, with(get("/environment/rust"), "x-on-call", "1")).await,
        StatusCode::OK
    );
    assert_eq!(
        status(&app, local("/environment/rust")).await,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn a_closure_that_panics_lets_nobody_in() {
    let app = guarded(Access::when(|_| panic!("no decision today")));
    assert_eq!(
        status(&app, local("/environment/rust")).await,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn a_refused_page_collects_nothing() {
    let dump = healthcheck::EnvironmentDump::builder()
        .discover(false)
        .section_fn("guarded", || -> u8 { panic!("collected for nobody") })
        .build()
        .expect("it fits together");
    let endpoints = Endpoints::new(built([]))
        .environment(dump)
        .environment_access(Access::denied());
    let app = router(endpoints);
    assert_eq!(
        status(&app, get("/environment/guarded")).await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        status(&app, get("/environment/unknown")).await,
        StatusCode::FORBIDDEN
    );
}

#[test]
fn no_token_shows_in_debug() {
    let token = secret("hidden");
    let access = Access::bearers([token.clone(), "x".to_owned()]);
    let endpoints = Endpoints::new(built([]))
        .environment_access(access.clone())
        .details_access(access.clone());
    for shown in [
        format!("{access:?}"),
        format!("{endpoints:?}"),
        format!("{access:#?}"),
    ] {
        assert!(shown.contains("bearer, 2 tokens"), "{shown}");
        assert!(!shown.contains(&token), "{shown}");
    }
}

fn basic(user: &str, password: &str) -> Request<Body> {
    use base64::Engine as _;
    let token = base64::prelude::BASE64_STANDARD.encode(format!("{user}:{password}"));
    with(
        get("/environment/rust"),
        "authorization",
        &format!("Basic {token}"),
    )
}

#[tokio::test]
async fn a_user_is_let_in_with_the_password_and_asked_for_it_without() {
    let app = guarded(Access::basic("opér", secret("right:")));
    assert_eq!(
        status(&app, basic("opér", &secret("right:"))).await,
        StatusCode::OK
    );
    for request in [
        get("/environment/rust"),
        local("/environment/rust"),
        basic("opér", ""),
        basic("opér", &secret("wrong")),
        basic("", &secret("right:")),
        basic("other", &secret("right:")),
        bearing(&secret("right:")),
        with(basic("opér", &secret("right:")), "authorization", "Basic x"),
        with(get("/environment/rust"), "authorization", "Basic %%%"),
    ] {
        let answer = ask(&app, request).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Basic realm=\"healthcheck\", charset=\"UTF-8\"")
        );
    }
    let nobody = guarded(Access::basic("operator", ""));
    assert_eq!(
        status(&nobody, basic("operator", "")).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(format!("{:?}", Access::basic("operator", "x")), "Access(basic)");
}

#[tokio::test]
async fn either_of_two_rules_lets_in_and_where_both_refuse_each_challenge_is_sent() {
    let app = guarded(
        Access::loopback()
            .or(Access::basic("operator", secret("password")))
            .or(Access::bearer(secret("token"))),
    );
    for request in [
        local("/environment/rust"),
        basic("operator", &secret("password")),
        bearing(&secret("token")),
    ] {
        assert_eq!(status(&app, request).await, StatusCode::OK);
    }
    let refused = ask(&app, from("192.0.2.7:1", "/environment/rust")).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let challenges: Vec<_> = refused.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(
        challenges,
        ["Basic realm=\"healthcheck\", charset=\"UTF-8\"", "Bearer"]
    );
    let remedy = refused.json()["how_to_allow"]
        .as_str()
        .expect("a text")
        .to_owned();
    for way in ["on the machine itself", "Access::basic", "Access::bearer"] {
        assert!(remedy.contains(way), "{remedy}");
    }

    let without_credentials = guarded(Access::denied().or(Access::loopback()));
    let refused = ask(&without_credentials, from("192.0.2.7:1", "/environment")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.header("www-authenticate"), None);
}

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[tokio::test]
async fn a_browser_that_is_not_let_in_gets_a_page_that_says_why_and_how() {
    for (access, status, why, how) in [
        (
            Access::loopback(),
            StatusCode::FORBIDDEN,
            "requests from this machine",
            "Endpoints::environment_access",
        ),
        (
            Access::basic("operator", secret("x")),
            StatusCode::UNAUTHORIZED,
            "a user and a password",
            "Access::basic",
        ),
    ] {
        for path in ["/environment", "/environment/rust", "/healthcheck/history"] {
            let request = with(from("192.0.2.7:1", path), "accept", BROWSER);
            let answer = ask(&guarded(access.clone()), request).await;
            assert_eq!(answer.status, status, "{path}");
            assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(answer.header("vary"), Some("accept"));
            let policy = answer.header("content-security-policy").expect("a policy");
            assert!(policy.starts_with("default-src 'none'"), "{policy}");
            let page = String::from_utf8_lossy(&answer.body);
            assert!(page.contains(why) && page.contains(how), "{page}");
            // An app may nest the library's router under a prefix, which the router doesn't know. So the error page
            // must not contain an absolute link.
            assert!(!page.contains("<a href=\"/"), "{page}");
        }
    }
    let text = with(from("192.0.2.7:1", "/environment"), "accept", "text/plain");
    let answer = ask(&guarded(Access::loopback()), text).await;
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    let said = String::from_utf8_lossy(&answer.body);
    assert!(
        said.starts_with("this page is for requests from this machine"),
        "{said}"
    );
    assert!(said.contains("\nhow to allow: "), "{said}");
}

#[tokio::test]
async fn what_a_client_names_cannot_break_out_of_the_page_that_refuses_it() {
    let app = plain([passes("a")]);
    let path = "/healthcheck?check=%3Cscript%3Ealert(1)%3C/script%3E";
    let page = ask(&app, with(get(path), "accept", BROWSER)).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    let page = String::from_utf8_lossy(&page.body).into_owned();
    assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
    assert!(!page.contains("<script>alert"), "{page}");
    let text = ask(
        &app,
        with(get("/healthcheck?check=a%E2%80%A8b"), "accept", "text/plain"),
    )
    .await;
    let text = String::from_utf8_lossy(&text.body).into_owned();
    assert!(!text.contains('\u{2028}'), "{text:?}");
}
