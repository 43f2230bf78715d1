//! Tests the lines that the library logs when it builds endpoints and serves them.

use healthcheck_axum::{Access, Endpoints};
use healthcheck_tests::Log;
use tokio::net::TcpListener;

use crate::support::{ask, built, local, passes, plain, router, with};

const NAMES_ONLY: &str = "shows variables and arguments by name alone";

#[test]
fn the_names_of_the_checks_are_logged_at_start() {
    let log = Log::catch();
    let _ = plain([passes("redis"), passes("database")]);
    assert_eq!(
        log.saying("health checks at"),
        ["INFO health checks at /healthcheck (router): database, redis"]
    );
}

#[test]
fn a_registry_without_any_check_is_a_warning_at_start() {
    let log = Log::catch();
    let _ = plain([]);
    let lines = log.saying("no health check is registered");
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("WARN"), "{lines:?}");
}

#[test]
fn a_router_says_once_that_its_environment_shows_names_only_and_how_to_change_it() {
    let log = Log::catch();
    let _ = plain([passes("a")]);
    let lines = log.saying(NAMES_ONLY);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("/environment"), "{lines:?}");
    assert!(lines[0].contains("Endpoints::environment_access"), "{lines:?}");
}

#[tokio::test]
async fn two_endpoints_of_one_process_say_which_of_them_each_line_is_about() {
    let log = Log::catch();
    let health = built([passes("a")]);
    let _ = router(Endpoints::new(health.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let mut serving = std::pin::pin!(Endpoints::new(health).health_path("/health").serve_on(listener));
    let first = std::future::poll_fn(|context| std::task::Poll::Ready(serving.as_mut().poll(context))).await;
    assert!(first.is_pending());
    assert_eq!(
        log.of("INFO"),
        [
            "INFO health checks at /healthcheck (router): a".to_owned(),
            "INFO /environment (router) shows variables and arguments by name alone, because no access \
             rule is set: call `Endpoints::environment_access` to show their values"
                .to_owned(),
            format!("INFO health checks at /health (http://{addr}): a"),
            format!("INFO listening on http://{addr}"),
        ]
    );
}

#[test]
fn nothing_is_said_where_access_is_chosen_or_no_environment_is_served() {
    let log = Log::catch();
    let _ = router(Endpoints::new(built([passes("a")])).environment_access(Access::loopback()));
    let _ = router(Endpoints::new(built([passes("a")])).environment(None));
    assert_eq!(log.saying(NAMES_ONLY), Vec::<String>::new());
}

#[tokio::test]
async fn a_server_says_it_where_it_is_bound_to_another_address_than_loopback() {
    for (bind, lines) in [("127.0.0.1:0", 0), ("[::1]:0", 0), ("0.0.0.0:0", 1)] {
        // On a machine without IPv6, binding to `[::1]` fails. On such a machine the test skips this address.
        let Ok(listener) = TcpListener::bind(bind).await else {
            continue;
        };
        let log = Log::catch();
        let endpoints = Endpoints::new(built([passes("a")]));
        // The server logs the lines about its start during the first poll of this future. The future itself never
        // completes, because the server runs forever.
        let mut serving = std::pin::pin!(endpoints.serve_on(listener));
        let first =
            std::future::poll_fn(|context| std::task::Poll::Ready(serving.as_mut().poll(context))).await;
        assert!(first.is_pending(), "{bind}");
        assert_eq!(log.saying(NAMES_ONLY).len(), lines, "{bind}");
    }
}

#[tokio::test]
async fn a_file_of_tokens_that_cannot_be_read_is_one_error_and_no_token_is_logged() {
    let log = Log::catch();
    let app = router(Endpoints::new(built([])).environment_access(Access::bearer_file("/nowhere/token")));
    let token = format!("pre{}", "sented-1");
    for _ in 0..3 {
        ask(
            &app,
            with(local("/environment"), "authorization", &format!("Bearer {token}")),
        )
        .await;
    }
    let lines = log.saying("/nowhere/token");
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("ERROR"), "{lines:?}");
    assert_eq!(log.saying(&token), Vec::<String>::new());
}
