//! Tests that the error of `build` lists every problem of the registry, with the file and the line of each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use healthcheck::{BuildError, Check, EnvironmentDump, HealthCheckBuilder};

use crate::support::by_hand;

fn refused(builder: HealthCheckBuilder) -> BuildError {
    builder.build().expect_err("it should be refused")
}

fn always(name: &str) -> Check {
    Check::new(name, async || true)
}

#[test]
fn two_checks_of_one_name_are_told_with_both_places() {
    let (first, second) = (line!() + 1, line!() + 2);
    let one = Check::new("redis", async || true);
    let other = Check::new("redis", async || true);
    let error = refused(by_hand().check(one).check(other));
    assert_eq!(
        error.to_string(),
        format!(
            "two checks are named `redis`: tests/runtime/registry.rs:{first} and tests/runtime/registry.rs:{second}; rename all but one"
        )
    );
}

#[test]
fn every_problem_is_told_at_once() {
    let error = refused(
        by_hand()
            .check(always("a").timeout(Duration::ZERO))
            .check(
                always("b")
                    .interval(Duration::from_secs(1))
                    .success_ttl(Duration::from_secs(1)),
            )
            .check(always("c").failure_threshold(0))
            .check(always("d").depends_on(["nowhere"]))
            .check(always("e").liveness().external())
            .check(always("f").initial_delay(Duration::from_secs(1)))
            .check(always(""))
            .check(always("x/y"))
            .check(always("history"))
            .expect(["missing"])
            .section("status", 1)
            .section("twice", 1)
            .section_fn("twice", || 1)
            .section("fixed twice", 1)
            .section("fixed twice", 2)
            .check(always("g").tags(["a\n"]))
            .check(always(" h"))
            .check(
                always("i")
                    .interval(Duration::from_secs(1))
                    .initial_delay(Duration::ZERO),
            )
            .provide(1_u8)
            .provide(2_u8),
    );
    let told = error.to_string();
    for part in [
        "17 problems:",
        "`a` (tests/runtime/registry.rs:",
        "its time limit is zero",
        "TTL beside its interval",
        "failure threshold is 0",
        "depends on `nowhere`, which is no check; the checks are:",
        "a restart can't repair",
        "initial delay and no interval",
        "the name of a check can't be empty",
        "it holds `/` or `?`",
        "endpoint's own path",
        "`missing` is expected",
        "can't be named `status`",
        "two sections are named `twice`: given to the builder and given to the builder; rename one of them",
        "two sections are named `fixed twice`",
        "a tag can't hold a control character",
        "it begins or ends with a space",
        "its initial delay is zero",
        "`u8` is provided twice",
    ] {
        assert!(told.contains(part), "{part:?} is missing in:\n{told}");
    }
    assert_eq!(error.problems().len(), 17, "{told}");
}

#[test]
fn checks_that_depend_on_each_other_are_told_as_a_circle() {
    let error = refused(
        by_hand()
            .check(always("a").depends_on(["b"]))
            .check(always("b").depends_on(["c"]))
            .check(always("c").depends_on(["a"])),
    );
    let told = error.to_string();
    assert!(
        told.starts_with(
            "checks depend on each other in a circle: `a` → `b` → `c` → `a` (tests/runtime/registry.rs:"
        ),
        "{told}"
    );
    let own = refused(by_hand().check(always("a").depends_on(["a"]))).to_string();
    assert!(own.contains("in a circle: `a` → `a` ("), "{own}");
}

#[test]
fn a_circle_hides_no_other_problem_of_dependencies() {
    let error = refused(
        by_hand()
            .check(always("a").depends_on(["b"]))
            .check(always("b").depends_on(["a"]))
            .check(always("c").depends_on(["d"]))
            .check(always("d").depends_on(["c"]))
            .check(always("alive").liveness().depends_on(["database", "a"]))
            .check(always("database").external())
            .check(always("lost").depends_on(["nowhere", "x", "nowhere"])),
    );
    let told = error.to_string();
    for part in [
        "`a` → `b` → `a`",
        "`c` → `d` → `c`",
        "`alive` → `database`",
        "`nowhere`",
        "`x`",
    ] {
        assert!(told.contains(part), "{part:?} is missing in:\n{told}");
    }
    assert_eq!(error.problems().len(), 5, "{told}");
}

#[test]
fn a_liveness_check_that_reaches_the_outside_is_told_with_the_way_there() {
    let error = refused(
        by_hand()
            .check(always("alive").liveness().depends_on(["pool"]))
            .check(always("pool").depends_on(["database"]))
            .check(always("database").external()),
    );
    assert!(
        error
            .to_string()
            .contains("`alive` → `pool` → `database`; a restart can't repair that"),
        "{error}"
    );
}

#[test]
fn a_chain_of_ten_thousand_dependencies_is_no_problem() {
    let checks = (0..10_000).map(|i: u32| {
        let check = always(&format!("{i:05}"));
        if i == 0 {
            check
        } else {
            check.depends_on([format!("{:05}", i - 1)])
        }
    });
    assert!(checks.fold(by_hand(), HealthCheckBuilder::check).build().is_ok());
}

#[test]
fn building_needs_no_runtime() {
    assert_eq!(by_hand().check(always("a")).build().unwrap().checks().count(), 1);
}

#[test]
fn what_is_known_of_a_check_is_told_without_running_it() {
    let check = Check::blocking("disk", || -> bool { panic!("it ran") })
        .description("Enough room.")
        .tags(["system"])
        .critical(false)
        .timeout(None);
    let health = by_hand().check(check).build().unwrap();
    let info = health.checks().next().unwrap();
    assert_eq!((info.name(), info.description()), ("disk", Some("Enough room.")));
    assert!(info.file().ends_with("registry.rs") && info.line() > 0);
    let options = info.options();
    assert!(options.readiness && !options.liveness && !options.critical);
    assert_eq!(options.timeout, Some(None));
    assert_eq!(&*options.tags, ["system"]);
}

#[test]
fn a_section_by_hand_is_named_by_the_rules_of_the_attribute() {
    for (name, why) in [
        ("", "the name of a section can't be empty"),
        ("..", "a directory"),
        ("a/b", "it holds `/` or `?`"),
        ("a\nb", "`a\\nb`: it holds a control character"),
        (" a", "a space"),
        ("history", "an endpoint's own path"),
    ] {
        let page = EnvironmentDump::builder;
        let refusals = [
            refused(by_hand().section(name, 1)),
            refused(by_hand().section_fn(name, || 1)),
            page().section(name, 1).build().expect_err("it should be refused"),
            page()
                .section_fn(name, || 1)
                .build()
                .expect_err("it should be refused"),
        ];
        for error in refusals {
            let [problem] = error.problems() else {
                panic!("one problem: {error}");
            };
            assert!(problem.contains(why), "{problem}");
        }
    }
}

#[tokio::test]
async fn each_run_gets_a_clone_of_the_state() {
    let runs = Arc::new(AtomicUsize::new(0));
    let health = by_hand()
        .check(Check::with("async", Arc::clone(&runs), |runs| async move {
            runs.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Arc::strong_count(&runs) > 2
        }))
        .check(Check::blocking_with("sync", Arc::clone(&runs), |runs| {
            runs.fetch_add(1, Ordering::Relaxed);
            Arc::strong_count(&runs) > 2
        }))
        .success_ttl(None)
        .build()
        .unwrap();
    for _ in 0..2 {
        assert!(health.report().await.results.iter().all(|result| result.passed));
    }
    assert_eq!(runs.load(Ordering::Relaxed), 4);
    let here: Vec<_> = health.checks().map(|info| info.file().to_owned()).collect();
    assert_eq!(here, [file!(), file!()]);
}
