//! Tests the dependencies of checks. A check declares its dependencies as the parameters of its function. The tests
//! cover the kinds of parameters, the ways to provide values, and the error if a value is missing.
//!
//! The registry contains all checks and sections of this file.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use healthcheck::{HealthCheck, HealthCheckBuilder, env_section, health_check};
use healthcheck_tests::Log;
use serde_json::{Value, json};

type TestResult = Result<(), Box<dyn std::error::Error>>;
type Shown = Arc<dyn Display + Send + Sync>;
type Predicate = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// A dependency that doesn't implement `Clone`.
struct Client {
    url: String,
}

#[derive(Clone)]
struct Pool(Arc<AtomicU32>);

struct Limits {
    warn: u8,
    fail: u8,
}

fn provided() -> HealthCheckBuilder {
    let predicate: Predicate = Arc::new(|text| text.is_empty());
    HealthCheck::builder()
        .provide(Client {
            url: "redis://cache".to_owned(),
        })
        .provide(Pool(Arc::default()))
        .provide(Limits { warn: 1, fail: 2 })
        .provide::<Shown>(Arc::new(7))
        .provide(predicate)
        .provide(Cow::Borrowed("never copied"))
        .provide((1_u8, [2_u16; 3]))
}

#[health_check]
fn lent_to_sync(client: &Client) -> &str {
    &client.url
}

#[health_check]
async fn lent_to_async(client: &Client) -> Result<Cow<'_, str>, std::io::Error> {
    tokio::task::yield_now().await;
    Ok(Cow::Borrowed(&client.url))
}

#[health_check]
fn cloned_for_sync(pool: Pool) -> String {
    pool.0.fetch_add(1, Ordering::Relaxed);
    "counted".to_owned()
}

#[health_check]
async fn cloned_for_async(mut pool: Pool) -> bool {
    let own = std::mem::replace(&mut pool, Pool(Arc::default()));
    tokio::task::yield_now().await;
    own.0.fetch_add(1, Ordering::Relaxed);
    true
}

#[health_check]
fn trait_object(shown: &Shown, same: Arc<dyn Display + Send + Sync>) -> (bool, String) {
    (shown.to_string() == same.to_string(), shown.to_string())
}

#[health_check]
fn patterns(
    Limits { warn, fail }: &Limits,
    (first, [second, ..]): (u8, [u16; 3]),
    _: &Client,
    _: Pool,
) -> Value {
    json!([warn, fail, first, second])
}

#[health_check]
fn what_holds_no_reference(static_text: Cow<'static, str>, predicate: &Predicate) -> (bool, String) {
    (predicate(""), static_text.into_owned())
}

#[health_check]
fn hidden_type(#[allow(unused_variables)] client: &Client) -> impl healthcheck::IntoOutcome {
    "hidden"
}

macro_rules! check_of {
    ($name:ident, $reference:ty, $value:ty) => {
        #[health_check]
        async fn $name(_: $reference, _: $value) {}
    };
}

check_of!(types_from_a_macro, &Client, Pool);

#[env_section]
fn lent_section(client: &Client) -> impl serde::Serialize {
    json!({ "url": client.url })
}

#[env_section(name = "limits", in_health)]
async fn async_section(limits: &Limits, shown: Shown) -> Result<Value, std::fmt::Error> {
    Ok(json!({ "warn": limits.warn, "shown": shown.to_string() }))
}

#[tokio::test]
async fn each_kind_of_parameter_gets_what_was_provided() -> TestResult {
    let report = provided().build()?.report().await;
    let outputs: Vec<(&str, Value)> = report
        .results
        .iter()
        .map(|result| (result.checker.as_str(), result.output.clone()))
        .collect();
    assert_eq!(
        outputs,
        [
            ("cloned_for_async", json!("ok")),
            ("cloned_for_sync", json!("counted")),
            ("hidden_type", json!("hidden")),
            ("lent_to_async", json!("redis://cache")),
            ("lent_to_sync", json!("redis://cache")),
            ("patterns", json!([1, 2, 1, 2])),
            ("trait_object", json!("7")),
            ("types_from_a_macro", json!("ok")),
            ("what_holds_no_reference", json!("never copied")),
        ]
    );
    assert!(report.results.iter().all(|result| result.passed));
    Ok(())
}

#[tokio::test]
async fn a_clone_is_made_of_the_one_value_that_was_provided() -> TestResult {
    let count = Arc::new(AtomicU32::new(0));
    let health = HealthCheck::builder()
        .provide(Client { url: String::new() })
        .provide(Limits { warn: 1, fail: 2 })
        .provide::<Shown>(Arc::new(7))
        .provide::<Predicate>(Arc::new(|_| true))
        .provide(Cow::Borrowed(""))
        .provide((1_u8, [2_u16; 3]))
        .provide(Pool(Arc::clone(&count)))
        .build()?;
    health.report().await;
    assert_eq!(count.load(Ordering::Relaxed), 2);
    Ok(())
}

#[tokio::test]
async fn a_section_gets_the_same_values() -> TestResult {
    let health = provided().build()?;
    let report = health.report().await;
    assert_eq!(report.sections["limits"], json!({ "warn": 1, "shown": "7" }));
    assert!(!report.sections.contains_key("lent_section"));
    let page = health.environment().build()?.collect().await;
    assert_eq!(page["lent_section"], json!({ "url": "redis://cache" }));
    assert_eq!(page["limits"], json!({ "warn": 1, "shown": "7" }));
    Ok(())
}

#[tokio::test]
async fn what_is_provided_and_nothing_takes_is_a_warning() -> TestResult {
    struct Unlinked;

    let log = Log::catch();
    assert_eq!(provided().build()?.report().await.warnings, [""; 0]);
    assert_eq!(log.of("WARN"), [""; 0]);
    let report = provided().provide(Unlinked).build()?.report().await;
    let [warning] = &*report.warnings else {
        panic!("one value is taken by nothing: {:?}", report.warnings);
    };
    assert!(
        warning.starts_with("a `dependencies::what_is_provided_and_nothing_takes_is_a_warning::")
            && warning.contains("Unlinked` is provided, and no check or section takes it")
            && warning.contains("use my_checks as _;"),
        "{warning}"
    );
    assert_eq!(log.of("WARN"), [format!("WARN {warning}")]);

    // The library warns of a provided value if no check in the program has a parameter of its type. Checks that the
    // settings disable count as users of the value.
    //
    // With `only`, the library doesn't warn of unused values.
    let settings =
        serde_json::from_value(json!({ "checks": { "what_holds_no_reference": { "enabled": false } } }))?;
    assert_eq!(
        provided().settings(settings).build()?.report().await.warnings,
        [""; 0]
    );
    let part = provided().provide(Unlinked).only(["lent_to_sync"]).build()?;
    assert_eq!(part.report().await.warnings, [""; 0]);
    Ok(())
}

#[test]
fn where_the_arc_of_a_type_is_provided_the_error_says_to_take_that() {
    let client = Client { url: String::new() };
    let error = HealthCheck::builder()
        .provide(Arc::new(client))
        .build()
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(
            "needs a `dependencies::Client`, which nobody provided; take `&Arc<Client>`, which is provided"
        ),
        "{text}"
    );
}

#[test]
fn all_missing_values_are_named_at_once() {
    let Err(problem) = HealthCheck::builder().provide(Pool(Arc::default())).build() else {
        panic!("nobody provided a client");
    };
    let text = problem.to_string();
    for missing in ["Client", "Limits", "dyn core::fmt::Display", "Cow<"] {
        assert!(text.contains(missing), "{missing} isn't in: {text}");
    }
    // A function may have two parameters of the same missing type. The error must mention this function and type only
    // once.
    assert_eq!(text.matches("`trait_object` (").count(), 1, "{text}");
    assert!(text.contains("dependencies.rs:"), "{text}");
    // The error also lists the sections of the environment page. It lists a section once for each missing value. The
    // section `limits` needs two missing values.
    for (section, needs) in [("`lent_section`", 1), ("`limits`", 2)] {
        assert_eq!(text.matches(section).count(), needs, "{section} in {text}");
    }
}

#[test]
fn a_function_with_dependencies_stays_callable() {
    let client = Client {
        url: "redis://cache".to_owned(),
    };
    assert_eq!(lent_to_sync(&client), "redis://cache");
}
