//! Tests the environment page and the history over HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use healthcheck::{EnvironmentDump, Status};
use healthcheck_axum::{Access, Endpoints};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{ask, built, fails, get, local, passes, plain, raw, router, with};

fn dump() -> EnvironmentDump {
    EnvironmentDump::builder()
        .discover(false)
        .section("application", json!({ "git": "2c5d1f" }))
        .section("disk space", 17)
        .build()
        .expect("it fits together")
}

fn page() -> Router {
    router(Endpoints::new(built([])).environment(dump()))
}

#[tokio::test]
async fn the_page_is_an_object_of_all_sections() {
    let page = ask(&page(), local("/environment")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("content-type"), Some("application/json"));
    let names: Vec<String> = page
        .json()
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    assert_eq!(names, ["application", "disk space", "os", "process", "rust"]);
}

#[tokio::test]
async fn a_section_is_its_bare_value() {
    let app = page();
    assert_eq!(
        ask(&app, local("/environment/application")).await.json(),
        json!({ "git": "2c5d1f" })
    );
    assert_eq!(
        ask(&app, local("/environment/disk%20space")).await.json(),
        json!(17)
    );
    assert!(ask(&app, local("/environment/process")).await.json()["pid"].is_number());
}

#[tokio::test]
async fn an_unknown_section_is_404_and_lists_the_names() {
    let answer = ask(&page(), local("/environment/python")).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let known = json!(["application", "disk space", "os", "process", "rust"]);
    assert_eq!(answer.json()["known_sections"], known);
}

#[tokio::test]
async fn by_default_the_page_is_discovered_and_provided_with_what_the_checks_were() {
    let page = ask(&plain([]), local("/environment")).await.json();
    for section in ["os", "rust", "process"] {
        assert!(page[section].is_object(), "{section}");
    }
}

#[tokio::test]
async fn none_serves_no_page_and_leaves_the_history() {
    let app = router(Endpoints::new(built([])).environment(None));
    for path in ["/environment", "/environment/os"] {
        let answer = ask(&app, local(path)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.body.is_empty(), "{path}: the app's own fallback answers");
    }
    assert_eq!(
        ask(&app, local("/healthcheck/history")).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_section_that_panics_is_an_error_in_its_place() {
    let dump = EnvironmentDump::builder()
        .discover(false)
        .section_fn("broken", || -> u8 { panic!("no section today") })
        .build()
        .expect("it fits together");
    let app = router(Endpoints::new(built([])).environment(dump));
    let page = ask(&app, local("/environment")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.json()["broken"]["error"].is_string());
    assert!(page.json()["os"].is_object());
    assert_eq!(
        ask(&app, local("/environment/broken")).await.json(),
        page.json()["broken"]
    );
}

#[tokio::test]
async fn one_section_is_answered_without_waiting_for_a_hanging_one() {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let dump = EnvironmentDump::builder()
        .discover(false)
        .section_fn("hanging", move || {
            held.lock().map(|held| held.recv().is_ok()).unwrap_or_default()
        })
        .build()
        .expect("it fits together");
    let app = router(Endpoints::new(built([])).environment(dump));
    let answer = tokio::time::timeout(Duration::from_secs(4), ask(&app, local("/environment/rust"))).await;
    drop(release);
    assert_eq!(
        answer.expect("answered before the other's limit").status,
        StatusCode::OK
    );
}

fn values(process: &Value) -> Vec<&str> {
    let variables = process["environ"].as_object().expect("the variables").values();
    let arguments = process["argv"].as_array().expect("the arguments").iter();
    variables.chain(arguments).filter_map(Value::as_str).collect()
}

/// Returns the value of the environment variable PATH in the section `process`. PATH is set in every test run, and the
/// redaction doesn't hide its value.
fn path_value(process: &Value) -> &Value {
    &process["environ"]["PATH"]
}

#[tokio::test]
async fn behind_a_router_variables_and_arguments_are_names_only_until_access_is_chosen() {
    let shown = std::env::var("PATH").expect("the tests have a PATH");
    for path in ["/environment", "/environment/process"] {
        let process = |page: Value| {
            if path == "/environment" {
                page["process"].clone()
            } else {
                page
            }
        };
        let hidden = process(ask(&plain([]), local(path)).await.json());
        assert_ne!(path_value(&hidden), &Value::from(shown.clone()), "{path}");
        assert!(
            hidden["environ"]
                .as_object()
                .expect("the variables")
                .contains_key("PATH"),
            "{path}"
        );
        assert!(!values(&hidden).contains(&&*shown), "{path}");

        let chosen = router(Endpoints::new(built([])).environment_access(Access::loopback()));
        let open = process(ask(&chosen, local(path)).await.json());
        assert_eq!(path_value(&open), &Value::from(shown.clone()), "{path}");
    }
}

/// Serves the endpoints with `serve_on` on the address `bind`. Returns the section `process` of the environment page.
async fn served_process(bind: &str, endpoints: Endpoints) -> Value {
    let listener = TcpListener::bind(bind).await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let server = tokio::spawn(endpoints.serve_on(listener));
    let address: SocketAddr = format!("127.0.0.1:{port}").parse().expect("an address");
    let request = "GET /environment/process HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let answer = raw(address, request).await;
    server.abort();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    serde_json::from_str(body).expect("a section")
}

#[tokio::test]
async fn a_server_bound_to_loopback_shows_values_and_one_bound_elsewhere_names_only() {
    let shown = Value::from(std::env::var("PATH").expect("the tests have a PATH"));
    let local = served_process("127.0.0.1:0", Endpoints::new(built([passes("a")]))).await;
    assert_eq!(path_value(&local), &shown);
    let open = served_process("0.0.0.0:0", Endpoints::new(built([passes("a")]))).await;
    assert_ne!(path_value(&open), &shown);
    let chosen = Endpoints::new(built([passes("a")])).environment_access(Access::loopback());
    let chosen = served_process("0.0.0.0:0", chosen).await;
    assert_eq!(path_value(&chosen), &shown);
}

#[tokio::test]
async fn the_history_is_a_list_of_transitions_for_whoever_may_read_the_environment() {
    let health = built([passes("a")]);
    let app = router(Endpoints::new(health.clone()));
    ask(&app, get("/healthcheck")).await;
    health
        .set_override("a", Status::Fail, Duration::from_secs(60), "game day")
        .expect("it is there");
    ask(&app, get("/healthcheck")).await;

    assert_eq!(
        ask(&app, get("/healthcheck/history")).await.status,
        StatusCode::FORBIDDEN
    );
    let history: Vec<healthcheck::Transition> =
        serde_json::from_slice(&ask(&app, local("/healthcheck/history")).await.body).expect("transitions");
    let of_check = history
        .iter()
        .find(|transition| transition.checker.as_deref() == Some("a"));
    assert_eq!(of_check.expect("the check's transition").to, Status::Fail);
    assert!(
        history.iter().any(|transition| transition.checker.is_none()),
        "the whole's transition"
    );
}

#[tokio::test]
async fn an_empty_history_is_an_empty_list() {
    let answer = ask(&plain([]), local("/healthcheck/history")).await;
    assert_eq!(answer.body, "[]");
}

const BROWSER: &str = "text/html,*/*;q=0.8";

#[tokio::test]
async fn the_page_for_people_says_why_it_shows_no_values() {
    let why = "Variables and arguments are shown by name alone";
    let page = async |app: &Router| {
        let answer = ask(app, with(local("/environment"), "accept", BROWSER)).await;
        assert_eq!(answer.status, StatusCode::OK);
        String::from_utf8_lossy(&answer.body).into_owned()
    };
    let hidden = page(&plain([])).await;
    assert!(hidden.contains(why) && hidden.contains("Endpoints::environment_access"));
    let shown = router(Endpoints::new(built([])).environment_access(Access::loopback()));
    assert!(!page(&shown).await.contains(why));
}

#[tokio::test]
async fn a_browser_gets_the_history_as_a_page() {
    let app = Router::new().nest("/x", plain([fails("<b>disk")]));
    let history = || with(local("/x/healthcheck/history"), "accept", BROWSER);
    let empty = ask(&app, history()).await;
    assert!(String::from_utf8_lossy(&empty.body).contains("Nothing has changed yet"));
    ask(&app, get("/x/healthcheck")).await;
    let answer = ask(&app, history()).await;
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.header("vary"), Some("accept"));
    let page = String::from_utf8_lossy(&answer.body).into_owned();
    for part in [
        "<bdi>&lt;b&gt;disk</bdi>: fail",
        "broken",
        "<bdi>the whole</bdi>: fail",
        "href=\"../readyz\"",
        "href=\"?format=json\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let json = ask(&app, local("/x/healthcheck/history?format=json")).await;
    assert_eq!(json.header("content-type"), Some("application/json"));
}
