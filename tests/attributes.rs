//! Tests that `#[health_check]` registers a function as a check with the given options. Also tests that the attribute
//! leaves the function itself unchanged.
//!
//! The registry contains all checks of this file.

use std::sync::Arc;
use std::time::Duration;

use healthcheck::{CheckInfo, HealthCheck, health_check};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn check(name: &str) -> Result<Arc<CheckInfo>, Box<dyn std::error::Error>> {
    let health = HealthCheck::discover()?;
    let found = health.checks().find(|check| check.name() == name);
    found.ok_or_else(|| format!("there is no check {name}").into())
}

#[health_check]
fn without_options() {}

#[test]
fn without_options_everything_is_left_to_the_defaults() -> TestResult {
    let check = check("without_options")?;
    let options = check.options();
    // A check whose attribute names no probe is a readiness check.
    assert!(!options.liveness && options.readiness && !options.startup);
    assert!(options.critical && !options.external);
    assert!(options.tags.is_empty() && options.depends_on.is_empty());
    assert_eq!(
        (options.timeout, options.success_ttl, options.failed_ttl),
        (None, None, None)
    );
    assert_eq!((options.interval, options.initial_delay), (None, None));
    assert_eq!((options.failure_threshold, options.success_threshold), (1, 1));
    assert_eq!(options.fail_after, None);
    assert_eq!(
        (options.owner(), options.runbook(), options.when_it_fails()),
        (None, None, None)
    );
    assert_eq!(check.description(), None);
    Ok(())
}

#[health_check(
    name = "every option",
    liveness,
    readiness,
    startup,
    tags("cache", "größe"),
    critical = false,
    timeout = "1m 30s",
    interval = "250ms",
    initial_delay = "1ms",
    failure_threshold = 3,
    success_threshold = 2,
    fail_after = "60s",
    depends_on("without_options", "with_none"),
    owner = "orders",
    runbook = "https://runbooks.example/orders"
)]
fn every_option() {}

#[test]
fn every_option_is_recorded() -> TestResult {
    let check = check("every option")?;
    let options = check.options();
    assert!(options.liveness && options.readiness && options.startup);
    assert_eq!(*options.tags, ["cache", "größe"]);
    assert!(!options.critical);
    assert_eq!(options.timeout, Some(Some(Duration::from_secs(90))));
    assert_eq!(options.interval, Some(Duration::from_millis(250)));
    assert_eq!(options.initial_delay, Some(Duration::from_millis(1)));
    assert_eq!((options.failure_threshold, options.success_threshold), (3, 2));
    assert_eq!(options.fail_after, Some(Duration::from_secs(60)));
    assert_eq!(*options.depends_on, ["without_options", "with_none"]);
    assert_eq!(options.owner(), Some("orders"));
    assert_eq!(options.runbook(), Some("https://runbooks.example/orders"));
    Ok(())
}

#[health_check(success_ttl = "1h", failed_ttl = "0s", external)]
fn with_ttls() {}

#[test]
fn a_ttl_may_be_zero() -> TestResult {
    let check = check("with_ttls")?;
    assert!(check.options().external);
    assert_eq!(
        check.options().success_ttl,
        Some(Some(Duration::from_secs(3_600)))
    );
    assert_eq!(check.options().failed_ttl, Some(Some(Duration::ZERO)));
    Ok(())
}

#[health_check(timeout = "none", success_ttl = "none", failed_ttl = "none")]
fn with_none() {}

#[test]
fn none_is_recorded_as_a_choice() -> TestResult {
    let check = check("with_none")?;
    let options = check.options();
    assert_eq!(
        (options.timeout, options.success_ttl, options.failed_ttl),
        (Some(None), Some(None), Some(None))
    );
    Ok(())
}

/// The orders database
/// accepts connections.
///
/// This paragraph isn't part of the description.
#[health_check]
#[doc = "Nor this."]
fn described() {}

#[test]
fn the_first_paragraph_of_the_doc_comment_is_the_description() -> TestResult {
    assert_eq!(
        check("described")?.description(),
        Some("The orders database accepts connections")
    );
    Ok(())
}

/// The orders database accepts connections.
///
/// # When it fails
/// A failover takes 40 s: wait.
/// Longer: page the storage team.
///
/// # Why
/// The database runs on one machine.
#[health_check]
fn explained() {}

#[test]
fn the_text_below_a_heading_of_the_doc_comment_says_what_to_do_when_it_fails() -> TestResult {
    let check = check("explained")?;
    assert_eq!(
        check.description(),
        Some("The orders database accepts connections")
    );
    assert_eq!(
        check.options().when_it_fails(),
        Some("A failover takes 40 s: wait.\nLonger: page the storage team.")
    );
    let withheld = CheckInfo::clone(&check).without_description();
    assert_eq!(
        (withheld.description(), withheld.options().when_it_fails()),
        (None, None)
    );
    Ok(())
}

#[health_check(name = "100% of c#")]
fn percent() {}

#[test]
fn a_name_may_need_percent_encoding_in_a_url() -> TestResult {
    check("100% of c#").map(|_| ())
}

mod outer {
    pub mod inner {
        use healthcheck::health_check;

        #[health_check(critical = true)]
        pub(super) async fn nested() -> bool {
            true
        }

        // The line of the attribute `#[health_check]` above. The test `a_check_knows_where_it_stands` compares with it.
        pub const LINE: u32 = line!() - 6;
    }

    #[tokio::test]
    async fn a_function_keeps_its_visibility() {
        assert!(inner::nested().await);
    }
}

#[test]
fn a_check_knows_where_it_stands() -> TestResult {
    let check = check("nested")?;
    assert_eq!(check.module(), "attributes::outer::inner");
    assert!(check.file().ends_with("attributes.rs"), "{}", check.file());
    assert_eq!(check.line(), outer::inner::LINE);
    Ok(())
}

#[health_check]
fn r#match() {}

#[test]
fn a_raw_identifier_loses_its_prefix() -> TestResult {
    check("match").map(|_| ())
}

macro_rules! checks {
    ($($(#[doc = $doc:expr])* $name:ident: $output:ty = $value:expr, $limit:literal;)*) => {$(
        $(#[doc = $doc])*
        #[health_check(timeout = $limit)]
        fn $name() -> $output {
            $value
        }
    )*};
}

checks! {
    /// From a macro.
    from_a_macro: bool = true, "7s";
    also_from_a_macro: String = String::from("fine"), "8s";
}

#[test]
fn a_macro_may_write_the_function() -> TestResult {
    let check = check("from_a_macro")?;
    assert_eq!(check.description(), Some("From a macro"));
    assert_eq!(check.options().timeout, Some(Some(Duration::from_secs(7))));
    Ok(())
}

fn _a_function_that_nobody_calls() {
    #[health_check]
    fn inside_a_function() {}
}

#[test]
fn a_check_inside_of_a_function_is_registered_though_nobody_calls_it() -> TestResult {
    check("inside_a_function").map(|_| ())
}

#[cfg(any())]
#[health_check]
fn left_out_above() {}

#[health_check]
#[cfg(any())]
fn left_out_below() {}

#[cfg_attr(all(), health_check(timeout = "3s"))]
fn conditional_attribute() {}

#[test]
fn cfg_decides_whether_a_check_exists() -> TestResult {
    assert!(check("left_out_above").is_err());
    assert!(check("left_out_below").is_err());
    check("conditional_attribute").map(|_| ())
}

#[health_check]
#[tracing::instrument]
async fn instrumented_below() -> Result<&'static str, std::io::Error> {
    Ok("fine")
}

#[tracing::instrument]
#[health_check]
async fn instrumented_above() -> Result<&'static str, std::io::Error> {
    Ok("fine")
}

#[tracing::instrument]
#[health_check]
fn instrumented_sync() -> bool {
    true
}

#[health_check]
#[deprecated = "and still run"]
#[allow(dead_code)]
fn deprecated() -> bool {
    true
}

#[must_use]
#[inline]
#[health_check]
pub fn must_use() -> bool {
    true
}

#[tokio::test]
async fn other_attributes_may_stand_on_either_side() -> TestResult {
    let report = HealthCheck::discover()?.report().await;
    for name in [
        "instrumented_below",
        "instrumented_above",
        "instrumented_sync",
        "deprecated",
        "must_use",
    ] {
        let result = report
            .results
            .iter()
            .find(|result| result.checker == name)
            .ok_or(name)?;
        assert!(result.passed, "{name}: {}", result.output);
    }
    Ok(())
}

#[tokio::test]
async fn a_function_stays_callable() -> TestResult {
    assert_eq!(instrumented_below().await?, "fine");
    assert!(must_use());
    without_options();
    Ok(())
}
