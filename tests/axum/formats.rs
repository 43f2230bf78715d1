//! Tests the formats of an answer: how a client selects one, and what the answer then contains.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use healthcheck::{Check, Outcome, Selection};
use healthcheck_axum::{Access, Details, Endpoints, Format, Page};
use serde_json::json;

use crate::support::{
    Answer, ask, built, by_hand, fails, get, local, passes, plain, request, router, warns, with,
};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
     text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

fn text(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).expect("text")
}

#[tokio::test]
async fn every_form_has_its_content_type_and_the_verdicts_status() {
    let router = plain([fails("a")]);
    for (format, content_type) in [
        ("json", "application/json"),
        ("health%2Bjson", "application/health+json"),
        ("health+json", "application/health+json"),
        ("text", "text/plain; charset=utf-8"),
        ("html", "text/html; charset=utf-8"),
        ("spring", "application/vnd.spring-boot.actuator.v3+json"),
        ("microprofile", "application/json"),
        ("aspnet", "application/json"),
    ] {
        for path in ["/healthcheck", "/readyz", "/healthcheck/a", "/readyz/a"] {
            let answer = ask(&router, get(&format!("{path}?format={format}"))).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path} {format}");
            assert_eq!(
                answer.header("content-type"),
                Some(content_type),
                "{path} {format}"
            );
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            assert_eq!(
                answer.header("content-length"),
                Some(&*answer.body.len().to_string())
            );
        }
    }
}

#[tokio::test]
async fn metrics_are_always_answered_200_and_only_on_the_health_path() {
    let router = plain([fails("a"), passes("b")]);
    ask(&router, get("/healthcheck")).await;
    for (format, content_type) in [
        (
            "openmetrics",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
        ("prometheus", "text/plain; version=0.0.4; charset=utf-8"),
    ] {
        let answer = ask(&router, get(&format!("/healthcheck?format={format}"))).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), Some(content_type));
        assert!(text(&answer).contains("healthcheck_status{check=\"a\"} 0\n"));
        assert!(text(&answer).contains("healthcheck_probe_status{probe=\"readiness\"} 0\n"));
        let part = ask(&router, get(&format!("/healthcheck/b?format={format}"))).await;
        assert!(!text(&part).contains("check=\"a\""), "{}", text(&part));
        for path in ["/livez", "/readyz", "/startupz", "/readyz/a"] {
            let answer = ask(&router, get(&format!("{path}?format={format}"))).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
            assert!(
                answer.json()["known_formats"]
                    .as_array()
                    .is_some_and(|known| known.len() == 7)
            );
        }
    }
    let scraped = ask(&router, with(get("/healthcheck"), "accept", PROMETHEUS)).await;
    assert_eq!(scraped.status, StatusCode::OK);
    assert!(text(&scraped).ends_with("# EOF\n"));
    let probed = ask(&router, with(get("/readyz"), "accept", PROMETHEUS)).await;
    assert_eq!(probed.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(probed.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn an_unknown_format_is_refused_with_the_known_ones() {
    let answer = ask(&plain([passes("a")]), get("/healthcheck?format=yaml")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        answer.json()["known_formats"],
        json!([
            "json",
            "health+json",
            "text",
            "html",
            "openmetrics",
            "prometheus",
            "spring",
            "microprofile",
            "aspnet"
        ])
    );
}

#[tokio::test]
async fn no_accept_header_is_ever_answered_406() {
    let router = plain([passes("a")]);
    for accept in [
        "application/xml",
        "image/png, audio/*",
        "*/*;q=0",
        "nonsense",
        "",
        "\t,",
    ] {
        let answer = ask(&router, with(get("/healthcheck"), "accept", accept)).await;
        assert_eq!(answer.status, StatusCode::OK, "{accept:?}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/json"),
            "{accept:?}"
        );
    }
}

#[tokio::test]
async fn vary_is_told_where_accept_has_a_say_and_only_there() {
    let router = plain([passes("a")]);
    for accept in ["*/*", "text/html", "text/plain", PROMETHEUS] {
        for path in [
            "/healthcheck",
            "/healthcheck?check=a",
            "/healthcheck/a",
            "/readyz",
        ] {
            let answer = ask(&router, with(get(path), "accept", accept)).await;
            assert_eq!(answer.header("vary"), Some("accept"), "{path} {accept}");
        }
    }
    for path in [
        "/healthcheck?format=text",
        "/readyz?format=json",
        "/readyz?verbose",
        "/healthcheck/a?format=html",
    ] {
        let answer = ask(&router, with(get(path), "accept", "text/html")).await;
        assert_eq!(answer.header("vary"), None, "{path}");
    }
}

#[tokio::test]
async fn a_vary_of_ones_own_stands_beside_ours_and_stays_where_ours_has_no_say() {
    let endpoints = Endpoints::new(built([passes("a")]));
    let router = router(endpoints.success_header(header::VARY, HeaderValue::from_static("origin")));
    for (path, vary) in [
        ("/healthcheck", "accept, origin"),
        ("/healthcheck?format=text", "origin"),
    ] {
        let answer = ask(&router, with(get(path), "accept", "text/html")).await;
        assert_eq!(answer.header("vary"), Some(vary), "{path}");
    }
}

#[tokio::test]
async fn text_is_one_line_until_something_fails_or_more_is_asked_for() {
    let router = plain([passes("ping")]);
    let brief = ask(&router, with(get("/readyz"), "accept", "text/plain")).await;
    assert_eq!(text(&brief), "ok");
    let router = plain([warns("disk"), passes("ping")]);
    let brief = ask(&router, with(get("/readyz"), "accept", "text/plain")).await;
    assert_eq!(text(&brief), "ok, degraded: disk");
    let verbose = ask(&router, get("/readyz?verbose")).await;
    assert_eq!(
        text(&verbose),
        "[+]disk warns: hm\n[+]ping ok\nreadyz check passed, degraded: disk\n"
    );
    let consul = ask(&router, with(get("/readyz"), "accept", "text/plain, text/*, */*")).await;
    assert_eq!(
        text(&consul),
        "[+]ping ok\n[+]disk warns: hm\nreadyz check passed, degraded: disk\n"
    );
    let router = plain([fails("etcd"), passes("ping")]);
    let failing = ask(&router, with(get("/readyz"), "accept", "text/plain")).await;
    assert_eq!(
        text(&failing),
        "[-]etcd failed: broken\n[+]ping ok\nreadyz check failed\n"
    );
}

#[tokio::test]
async fn who_may_not_see_details_sees_them_in_no_form() {
    let secretive =
        Check::new("etcd", async || Outcome::fail("10.0.0.7 refused")).description("The store answers.");
    let health = by_hand().check(secretive).section("rack", "row 7").build();
    let router = router(Endpoints::new(health.expect("it fits together")));
    let stranger = |path: &str| with(get(path), "x-forwarded-for", "203.0.113.9");
    let answer = ask(&router, stranger("/readyz?verbose")).await;
    assert_eq!(
        text(&answer),
        "[-]etcd failed: reason withheld\nreadyz check failed\n"
    );
    for format in [
        "json",
        "health%2Bjson",
        "text",
        "html",
        "openmetrics",
        "prometheus",
        "spring",
        "microprofile",
        "aspnet",
    ] {
        let path = format!("/healthcheck?format={format}");
        // A client without permission and a client with permission request the same page in turn. The first client must
        // never get an answer that the library has cached for the second one.
        for _ in 0..2 {
            let answer = ask(&router, stranger(&path)).await;
            for detail in ["10.0.0.7", "The store", "row 7"] {
                assert!(!text(&answer).contains(detail), "{format}");
            }
            assert!(text(&answer).contains("etcd"), "{format}");
            ask(&router, get(&path)).await;
        }
    }
    let own = ask(&router, get("/healthcheck?format=html")).await;
    assert!(text(&own).contains("The store") && text(&own).contains("row 7"));
    let page = ask(&router, stranger("/healthcheck?format=html")).await;
    assert!(
        !text(&page).contains("class=\"strip\""),
        "the history is a detail, too"
    );
}

#[tokio::test]
async fn a_browser_gets_a_page_under_a_policy_that_allows_nothing_but_its_own() {
    let router = plain([passes("a")]);
    for (request, path) in [
        (get("/healthcheck"), "/healthcheck"),
        (local("/environment"), "/environment"),
    ] {
        let answer = ask(&router, with(request, "accept", BROWSER)).await;
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8"),
            "{path}"
        );
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        let page = text(&answer);
        for external in [
            "src=\"http",
            "href=\"http",
            "//cdn",
            "@import",
            "url(",
            " style=",
            " onclick=",
            "javascript:",
        ] {
            assert!(!page.contains(external), "{path} holds {external}");
        }
    }
}

#[tokio::test]
async fn links_lead_to_the_same_places_wherever_the_endpoints_are_mounted() {
    let endpoints = Endpoints::new(built([passes("a b")]))
        .health_path("/status/health")
        .readiness_path("/ready");
    let app = axum::Router::new().nest("/internal", router(endpoints));
    let page = ask(&app, with(get("/internal/status/health"), "accept", BROWSER)).await;
    let page = text(&page);
    for link in [
        "href=\"../status/health\" aria-current=\"page\"",
        "href=\"../ready\"",
        "href=\"../environment\"",
        "href=\"health/a%20b\"",
        "href=\"health/history\"",
    ] {
        assert!(page.contains(link), "{link} isn't in {page}");
    }
    let check = ask(
        &app,
        with(get("/internal/status/health/a%20b"), "accept", BROWSER),
    )
    .await;
    let check = text(&check);
    for link in [
        "href=\"../../ready\"",
        "href=\"../../status/health\"",
        "href=\"a%20b\"",
    ] {
        assert!(check.contains(link), "{link} isn't in {check}");
    }
}

#[tokio::test]
async fn head_and_options_negotiate_as_get_does() {
    let router = plain([fails("a")]);
    for method in [Method::HEAD, Method::OPTIONS] {
        let answer = ask(&router, with(request(method, "/healthcheck"), "accept", BROWSER)).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(answer.body.is_empty());
    }
}

/// A format whose body contains the status, and the number of times that the library has called `render`.
struct Counting(Arc<AtomicU32>);

impl Format for Counting {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("text/x-count")
    }

    fn render(&self, page: &Page<'_>) -> Bytes {
        let count = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        format!("{} {count}", page.report().status).into()
    }
}

#[tokio::test]
async fn a_whole_probe_is_rendered_once_a_change_and_form() {
    let renderings = Arc::new(AtomicU32::new(0));
    let health = built([passes("a")]);
    let router = router(Endpoints::new(health.clone()).format("count", Counting(Arc::clone(&renderings))));
    for _ in 0..5 {
        let by_name = ask(&router, get("/healthcheck?format=count")).await;
        let by_type = ask(&router, with(get("/healthcheck"), "accept", "text/x-count")).await;
        assert_eq!((text(&by_name), text(&by_type)), ("success 1", "success 1"));
        // This request asks for another format. The library must still keep the cached answer in the first format.
        ask(&router, with(get("/healthcheck"), "accept", BROWSER)).await;
    }
    let fail = std::time::Duration::from_secs(60);
    health
        .set_override("a", healthcheck::Status::Fail, fail, "test")
        .expect("it is no liveness check");
    let changed = ask(&router, get("/healthcheck?format=count")).await;
    assert_eq!(text(&changed), "failure 2");
    assert_eq!(renderings.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn every_form_of_a_whole_probe_is_the_same_bytes_until_something_changes() {
    let health = built([passes("a")]);
    let own = Counting(Arc::default());
    let router = router(Endpoints::new(health.clone()).format("mine", own));
    // This request runs the check for the first time, so that its result doesn't change while the test compares
    // answers.
    ask(&router, get("/healthcheck")).await;
    let all = [
        "json",
        "health+json",
        "text",
        "html",
        "openmetrics",
        "prometheus",
        "spring",
        "microprofile",
        "aspnet",
        "mine",
    ];
    let forms: Vec<&str> = all.iter().chain(&["text&verbose"]).copied().collect();
    let ask_all = async || {
        let mut answers = Vec::new();
        for form in &forms {
            answers.push(ask(&router, get(&format!("/healthcheck?format={form}"))).await);
        }
        answers
    };
    let (first, again) = (ask_all().await, ask_all().await);
    for (form, (first, again)) in forms.iter().zip(first.iter().zip(&again)) {
        assert_eq!(
            first.body.as_ptr(),
            again.body.as_ptr(),
            "{form} is rendered again"
        );
    }
    let fail = std::time::Duration::from_secs(60);
    health
        .set_override("a", healthcheck::Status::Fail, fail, "test")
        .expect("there is such a check");
    let changed = ask_all().await;
    for (form, (first, changed)) in forms.iter().zip(first.iter().zip(&changed)) {
        assert_ne!(first.body, changed.body, "{form} tells what was");
    }
}

#[tokio::test]
async fn metrics_are_the_same_bytes_while_nothing_changes() {
    let router = plain([passes("a")]);
    ask(&router, get("/healthcheck")).await;
    let first = ask(&router, get("/healthcheck?format=openmetrics")).await;
    let again = ask(&router, get("/healthcheck?format=openmetrics")).await;
    assert_eq!(first.body.as_ptr(), again.body.as_ptr());
}

struct Panics;

impl Format for Panics {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("text/x-panics")
    }

    fn render(&self, _: &Page<'_>) -> Bytes {
        panic!("by mistake")
    }
}

#[tokio::test]
async fn a_format_that_panics_costs_its_form_and_not_the_report() {
    let router = router(Endpoints::new(built([warns("a")])).format("bad", Panics));
    let answer = ask(&router, get("/healthcheck?format=bad")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json()["status"], "degraded");
}

#[tokio::test]
async fn a_content_type_set_for_ones_own_body_is_no_other_forms() {
    let csv = HeaderValue::from_static("text/csv");
    let endpoints = Endpoints::new(built([passes("a")]))
        .body(|report| report.status.to_string().into())
        .success_header(HeaderName::from_static("content-type"), csv);
    let router = router(endpoints);
    let own = ask(&router, get("/healthcheck")).await;
    assert_eq!(
        (text(&own), own.header("content-type")),
        ("success", Some("text/csv"))
    );
    let other = ask(&router, get("/healthcheck?format=text")).await;
    assert_eq!(other.header("content-type"), Some("text/plain; charset=utf-8"));
}

#[tokio::test]
async fn the_release_is_told_by_the_draft() {
    let router = router(Endpoints::new(built([passes("a")])).version("4.5.6"));
    let answer = ask(&router, get("/healthcheck?format=health%2Bjson")).await;
    assert_eq!(answer.json()["releaseId"], "4.5.6");
}

/// A format whose body contains every output and every description. If `panics` is true, `render` panics instead.
struct Talkative {
    panics: bool,
}

impl Format for Talkative {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("text/x-talkative")
    }

    fn headers(&self) -> HeaderMap {
        let names = [
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
            header::CONNECTION,
        ];
        let mut headers: HeaderMap = names
            .into_iter()
            .map(|name| (name, HeaderValue::from_static("1")))
            .collect();
        headers.insert("x-talkative", HeaderValue::from_static("yes"));
        headers
    }

    fn render(&self, page: &Page<'_>) -> Bytes {
        assert!(!self.panics, "by mistake");
        let descriptions = page.checks().iter().filter_map(|info| info.description());
        let said = page
            .report()
            .results
            .iter()
            .map(|result| result.output.to_string());
        let all: Vec<String> = said.chain(descriptions.map(str::to_owned)).collect();
        all.join("\n").into()
    }
}

#[tokio::test]
async fn metrics_in_a_form_of_ones_own_are_kept_apart_for_those_who_may_see_details() {
    for panics in [false, true] {
        for strangers_first in [false, true] {
            let check = fails("a").description("The store.");
            let endpoints = Endpoints::new(built([check])).format("prometheus", Talkative { panics });
            let router = router(endpoints);
            ask(&router, get("/healthcheck")).await;
            let path = "/healthcheck?format=prometheus";
            let own = || get(path);
            let strangers = || with(get(path), "x-forwarded-for", "203.0.113.9");
            for turn in 0..4 {
                let is_stranger = (turn % 2 == 0) == strangers_first;
                let answer = ask(&router, if is_stranger { strangers() } else { own() }).await;
                assert_eq!(
                    text(&answer).contains("broken"),
                    !is_stranger,
                    "{}",
                    text(&answer)
                );
                let described = text(&answer).contains("The store");
                assert_eq!(described, !is_stranger && !panics, "{}", text(&answer));
            }
        }
    }
}

#[tokio::test]
async fn a_form_sets_no_header_that_is_the_servers_own_affair() {
    let endpoints = Endpoints::new(built([passes("a")])).format("mine", Talkative { panics: false });
    let answer = ask(&router(endpoints), get("/healthcheck?format=mine")).await;
    let length = answer.body.len().to_string();
    assert_eq!(answer.header("content-length"), Some(&*length));
    assert_eq!(answer.header("transfer-encoding"), None);
    assert_eq!(answer.header("connection"), None);
    assert_eq!(answer.header("x-talkative"), Some("yes"));
}

struct PanicsEarly;

impl Format for PanicsEarly {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("text/x-early")
    }

    fn headers(&self) -> HeaderMap {
        panic!("by mistake")
    }

    fn render(&self, _: &Page<'_>) -> Bytes {
        Bytes::new()
    }
}

/// A format whose method `content_type` panics when the library calls it for the second time. The first call comes when
/// the test adds the format.
#[derive(Default)]
struct PanicsAgain(AtomicU32);

impl Format for PanicsAgain {
    fn content_type(&self) -> HeaderValue {
        assert_eq!(self.0.fetch_add(1, Ordering::SeqCst), 0, "by mistake");
        HeaderValue::from_static("text/x-again")
    }

    fn render(&self, _: &Page<'_>) -> Bytes {
        Bytes::new()
    }
}

#[tokio::test]
async fn the_json_in_the_place_of_what_panicked_is_sent_as_json() {
    let html = HeaderValue::from_static("text/html");
    let endpoints = Endpoints::new(built([warns("<script>")]))
        .body(|_| panic!("by mistake"))
        .success_header(header::CONTENT_TYPE, html)
        .format("early", PanicsEarly)
        .format("again", PanicsAgain::default());
    let router = router(endpoints);
    for path in [
        "/healthcheck",
        "/healthcheck?format=early",
        "/healthcheck?format=again",
    ] {
        let answer = ask(&router, get(path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        assert_eq!(answer.checkers(), ["<script>"], "{path}");
    }
}

#[tokio::test]
async fn every_link_of_the_page_leads_somewhere_wherever_the_endpoints_lie() {
    for (path, nested) in [("/healthcheck", ""), ("/", ""), ("/a/b", "/app"), ("/a", "")] {
        let endpoints = Endpoints::new(built([passes("one")])).health_path(path);
        let inner = router(endpoints);
        let router = if nested.is_empty() {
            inner
        } else {
            axum::Router::new().nest(nested, inner)
        };
        let whole = format!("{nested}{path}");
        let whole = if nested.is_empty() {
            whole
        } else {
            whole.trim_end_matches('/').to_owned()
        };
        let single = format!("{}/one", whole.trim_end_matches('/'));
        for from in [whole, single] {
            let page = ask(&router, local(&format!("{from}?format=html"))).await;
            assert_eq!(page.status, StatusCode::OK, "{from}");
            let links: Vec<&str> = text(&page)
                .split("href=\"")
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
                .filter(|link| !link.starts_with(['?', '#']) && !link.starts_with("data:"))
                .collect();
            assert!(links.len() >= 5, "{links:?}");
            for link in links {
                let to = resolved(&from, link.split(['?', '#']).next().unwrap_or_default());
                assert!(!to.contains(' '), "{link} on {from}");
                let answer = ask(&router, local(&to)).await;
                assert_eq!(answer.status, StatusCode::OK, "{link} on {from} is {to}");
            }
        }
    }
}

#[tokio::test]
async fn the_page_of_a_check_below_the_root_links_to_no_place_outside_of_where_it_is_mounted() {
    let inner = router(Endpoints::new(built([passes("one")])).health_path("/"));
    let app = axum::Router::new().nest("/app", inner);
    let page = ask(&app, local("/app/one?format=html")).await;
    let page = text(&page);
    for link in ["href=\"livez\"", "href=\"readyz\"", "href=\"environment\""] {
        assert!(page.contains(link), "{link} isn't in {page}");
    }
    assert!(!page.contains("href=\"../"), "{page}");
}

/// Resolves the relative link `link` on the page `from`, as a browser does. Returns the resulting path.
fn resolved(from: &str, link: &str) -> String {
    let mut segments: Vec<&str> = from.split('/').collect();
    segments.pop();
    for segment in link.split('/') {
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    let path = segments.join("/");
    if path.starts_with('/') {
        path
    } else {
        format!("/{path}")
    }
}

#[tokio::test]
async fn what_to_do_is_shown_while_a_check_doesnt_pass_and_to_those_who_may_see_details() {
    let owned = |check: Check| {
        check
            .owner("the storage team")
            .runbook("javascript:alert(1)")
            .when_it_fails("Wait <b>40 s</b>.\nThen page.")
    };
    let endpoints = || {
        let database = owned(fails("database")).external();
        Endpoints::new(built([database, owned(passes("fine"))]))
    };
    let body = async |router: &axum::Router, path: &str| text(&ask(router, local(path)).await).to_owned();
    let shown = router(endpoints());
    let page = body(&shown, "/healthcheck?format=html").await;
    assert_eq!(page.matches("the storage team").count(), 1, "not of what passes");
    assert!(
        page.contains("Wait &lt;b&gt;40 s&lt;/b&gt;.\nThen page."),
        "{page}"
    );
    // The page shows an `http` or `https` address of a runbook as a link. This runbook has a `javascript` address, so
    // the page shows the address as text.
    assert!(page.contains("runbook: <bdi>javascript:alert(1)</bdi>"), "{page}");
    assert!(page.contains("shared: keeps the instance in rotation"));
    let lines = "\n    owner: the storage team\n    runbook: javascript:alert(1)\n    \
                 when it fails: Wait <b>40 s</b>.\n      Then page.\n";
    let verbose = body(&shown, "/healthcheck?format=text&verbose").await;
    assert!(verbose.contains(lines), "{verbose}");

    let withheld = router(endpoints().details_access(Access::denied()));
    for form in ["html", "text&verbose", "json", "health%2Bjson", "openmetrics"] {
        let body = body(&withheld, &format!("/healthcheck?format={form}")).await;
        for secret in ["storage team", "javascript:", "40 s"] {
            assert!(!body.contains(secret), "{form}: {body}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_page_shows_how_long_is_left_of_fail_after() {
    let broken = Arc::new(AtomicBool::new(false));
    let database = Check::with("database", Arc::clone(&broken), |broken| async move {
        !broken.load(Ordering::SeqCst)
    });
    let health = built([database.external().fail_after(Duration::from_secs(60))]);
    health.report().await;
    broken.store(true, Ordering::SeqCst);
    health.expire(&Selection::all()).unwrap();
    let report = health.report().await;
    let until = report.results[0]
        .pending
        .and_then(|pending| pending.until)
        .unwrap();
    assert!((55.0..=60.0).contains(&(until - report.timestamp)), "{until}");
    let page = ask(&router(Endpoints::new(health)), local("/healthcheck?format=html")).await;
    let page = text(&page);
    assert!(page.contains("<li>becomes a failure at <time "), "{page}");
}

#[tokio::test]
async fn the_page_names_the_service_as_far_as_the_caller_may_know_it() {
    let page = async |endpoints: Endpoints| {
        let page = ask(&router(endpoints), local("/healthcheck?format=html")).await;
        text(&page).to_owned()
    };
    let endpoints = || Endpoints::new(built([passes("one")]));
    let set = || endpoints().name("<orders>").version("1.2.3");
    let shown = page(set()).await;
    assert!(shown.contains(" · &lt;orders&gt; 1.2.3</title>"), "{shown}");
    assert!(shown.contains("<bdi>&lt;orders&gt;</bdi> <bdi class=\"version\">1.2.3</bdi>"));

    let executable = std::env::current_exe().unwrap();
    let name = executable.file_stem().unwrap().to_str().unwrap();
    let binary = page(endpoints()).await;
    assert!(binary.contains(&format!(" · {name}")), "{binary}");

    let verdicts = page(set().details_access(Access::denied())).await;
    assert!(verdicts.contains(" · &lt;orders&gt;</title>"), "{verdicts}");
    assert!(!verdicts.contains("1.2.3"));
    let overall = set().details_access(Access::denied()).details(Details::Overall);
    let overall = page(overall).await;
    assert!(
        !overall.contains("orders") && !overall.contains("1.2.3"),
        "{overall}"
    );
    assert!(overall.contains("The service is healthy"));
}

#[tokio::test]
async fn the_headline_of_the_page_is_a_sentence_in_every_state() {
    let warns = |name: &str| Check::new(name, async || Outcome::warn("hm"));
    for (checks, sentence) in [
        (vec![], "There are no checks"),
        (vec![passes("a")], "The check is passing"),
        (vec![passes("a"), passes("b")], "All 2 checks are passing"),
        (vec![warns("a")], "The check has a warning"),
        (vec![warns("a"), passes("b")], "1 of 2 checks has a warning"),
        (vec![warns("a"), warns("b")], "2 of 2 checks have a warning"),
        (vec![fails("a")], "The check is failing"),
        (vec![fails("a"), passes("b")], "1 of 2 checks is failing"),
        (
            vec![fails("a"), fails("b"), passes("c")],
            "2 of 3 checks are failing",
        ),
        (
            vec![fails("a"), warns("b")],
            "1 of 2 checks is failing, 1 has a warning",
        ),
        (
            vec![fails("a"), warns("b"), warns("c")],
            "1 of 3 checks is failing, 2 have a warning",
        ),
    ] {
        let page = ask(
            &router(Endpoints::new(built(checks))),
            local("/healthcheck?format=html"),
        )
        .await;
        let headline = format!("<h1 id=\"headline\">{sentence}</h1>");
        assert!(text(&page).contains(&headline), "{sentence}: {}", text(&page));
    }
}
