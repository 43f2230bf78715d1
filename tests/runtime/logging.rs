//! Tests the log. It has one line for each transition, and it has reminders as long as a check fails.

use std::time::Duration;

use healthcheck::{Check, Selection};
use healthcheck_tests::Log;
use tokio::time::advance;

use crate::support::{Lever, built, of};

#[tokio::test(start_paused = true)]
async fn a_pass_is_debug_a_failure_error_once_and_a_recovery_info() {
    let log = Log::catch();
    let lever = Lever::default();
    let health = built([lever.check("redis").success_ttl(None).failed_ttl(None)]);
    health.report().await;
    assert_eq!(log.of("DEBUG").len(), 1);
    lever.fail();
    for _ in 0..3 {
        health.report().await;
    }
    assert_eq!(
        log.of("ERROR"),
        ["ERROR health check failed check=\"redis\" output=broken"]
    );
    lever.pass();
    health.report().await;
    assert_eq!(
        log.of("INFO"),
        ["INFO health check recovered check=\"redis\" output=fine"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_takes_nobody_out_of_rotation_is_a_warning() {
    let log = Log::catch();
    let (cache, database, own) = (Lever::default(), Lever::default(), Lever::default());
    let levers = [&cache, &database, &own];
    let health = built([
        cache.check("cache").critical(false),
        database.check("database").external(),
        own.check("own").external().critical(true),
    ]);
    health.report().await;
    for lever in levers {
        lever.fail();
    }
    advance(Duration::from_secs(28)).await;
    health.report().await;
    let failed = |level, check| format!("{level} health check failed check=\"{check}\" output=broken");
    assert_eq!(
        log.of("WARN"),
        [failed("WARN", "cache"), failed("WARN", "database")]
    );
    assert_eq!(log.of("ERROR"), [failed("ERROR", "own")]);
    own.pass();
    for _ in 0..(21 * 6) {
        health.report().await;
        advance(Duration::from_secs(10)).await;
    }
    // The check `own` has passed during the loop above. So the last reminder must no longer name `own`.
    assert_eq!(
        log.of("WARN").last().unwrap(),
        "WARN health checks are still failing checks=\"cache, database\""
    );
    assert_eq!(log.of("ERROR").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_lasts_is_remembered_every_ten_minutes() {
    let log = Log::catch();
    let lever = Lever::default();
    lever.fail();
    let health = built([lever.check("redis")]);
    for _ in 0..(31 * 6) {
        health.report().await;
        advance(Duration::from_secs(10)).await;
    }
    let lines = log.of("ERROR");
    assert_eq!(lines.len(), 1 + 3, "{lines:#?}");
    assert_eq!(lines[1], "ERROR health checks are still failing checks=\"redis\"");
}

#[tokio::test(start_paused = true)]
async fn more_than_six_changes_in_ten_minutes_are_one_line_about_flapping() {
    let log = Log::catch();
    let lever = Lever::default();
    let health = built([lever.check("redis").success_ttl(None).failed_ttl(None)]);
    health.report().await;
    for round in 0..20 {
        if round % 2 == 0 {
            lever.fail()
        } else {
            lever.pass()
        }
        health.report().await;
        advance(Duration::from_secs(1)).await;
    }
    let flapping = log
        .of("ERROR")
        .into_iter()
        .filter(|line| line.contains("flapping"))
        .count();
    assert_eq!(flapping, 1);
    assert_eq!(
        log.of("ERROR").len() + log.of("INFO").len(),
        7,
        "six changes, then the line"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_blocked_is_not_logged_as_a_failure_of_its_own() {
    let log = Log::catch();
    let (dns, api) = (Lever::default(), Lever::default());
    let health = built([dns.check("dns"), api.check("api").depends_on(["dns"])]);
    health.report().await;
    dns.fail();
    api.fail();
    advance(Duration::from_secs(28)).await;
    health.report().await;
    assert_eq!(
        log.of("ERROR"),
        ["ERROR health check failed check=\"dns\" output=broken"]
    );
}

#[tokio::test]
async fn a_sync_check_logs_where_its_asker_does() {
    let log = Log::catch();
    let health = built([Check::blocking("disk", || {
        tracing::info!("from inside");
        false
    })]);
    let report = health.report().await;
    assert_eq!(of(&report, "disk").output, "failed");
    // The function of the check logs a line. The line belongs to the span of the run, which names the check.
    assert_eq!(log.of("INFO"), ["INFO health_check{check=\"disk\"}: from inside"]);
    assert_eq!(log.of("ERROR").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_warning_that_lasts_is_no_failure_to_remember() {
    let log = Log::catch();
    let lever = Lever::default();
    lever.warn();
    let health = built([lever.check("redis")]);
    for _ in 0..(31 * 2) {
        health.report().await;
        advance(Duration::from_secs(30)).await;
    }
    assert_eq!(log.of("ERROR"), Vec::<String>::new());
    lever.fail();
    for _ in 0..(11 * 6) {
        health.report().await;
        advance(Duration::from_secs(10)).await;
    }
    assert_eq!(
        log.of("ERROR").len(),
        2,
        "the failure, and ten minutes later the reminder: {:#?}",
        log.of("ERROR")
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_blocked_time_and_again_and_recovers_is_not_logged_either() {
    let log = Log::catch();
    let dns = Lever::default();
    let health = built([
        dns.check("dns").success_ttl(None).failed_ttl(None),
        Lever::default().check("api").depends_on(["dns"]),
    ]);
    health.report().await;
    for round in 0..20 {
        if round % 2 == 0 {
            dns.fail()
        } else {
            dns.pass()
        }
        health.report().await;
        advance(Duration::from_secs(1)).await;
    }
    let of_api: Vec<_> = ["ERROR", "INFO"]
        .into_iter()
        .flat_map(|level| log.of(level))
        .filter(|line| line.contains("api"))
        .collect();
    assert_eq!(of_api, Vec::<String>::new(), "the log names the root");
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_its_own_after_being_blocked_is_logged_once() {
    let log = Log::catch();
    let (dns, api) = (Lever::default(), Lever::default());
    dns.fail();
    api.fail();
    let health = built([
        dns.check("dns"),
        api.check("api").depends_on(["dns"]).failed_ttl(None),
    ]);
    health.report().await;
    dns.pass();
    advance(Duration::from_secs(10)).await;
    for _ in 0..3 {
        health.report().await;
    }
    assert_eq!(
        log.of("ERROR"),
        [
            "ERROR health check failed check=\"dns\" output=broken",
            "ERROR health check failed check=\"api\" output=broken"
        ]
    );
}

#[test]
fn a_runtime_that_ends_with_checks_running_is_no_fault() {
    let log = Log::catch();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let health = built([
        Check::new("endless", std::future::pending::<()>),
        Check::new("loop", std::future::pending::<()>).interval(Duration::from_millis(1)),
    ]);
    runtime.block_on(async {
        let limit = Duration::from_millis(20);
        let answered = health.report_within(&Selection::all(), limit).await;
        assert!(answered.is_ok());
        health.begin_shutdown();
    });
    drop(runtime);
    assert_eq!(log.of("ERROR"), Vec::<String>::new());
    assert_eq!(log.of("WARN"), Vec::<String>::new());
}

#[test]
fn a_loop_that_is_started_again_is_logged_and_one_that_can_never_start_is_not() {
    let log = Log::catch();
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
    };
    let health = built([Lever::default().check("a").interval(Duration::from_secs(10))]);
    let gone = health.on_runtime(runtime().handle().clone());
    for _ in 0..3 {
        runtime().block_on(gone.report());
    }
    assert_eq!(log.of("WARN"), Vec::<String>::new());
    for _ in 0..2 {
        runtime().block_on(health.report());
    }
    let started = "WARN the loop of the background health checks had ended with its runtime: started again";
    assert_eq!(log.of("WARN"), [started, started]);
}

#[tokio::test(start_paused = true)]
async fn the_line_of_a_failure_names_the_owner_the_runbook_and_what_to_do() {
    let log = Log::catch();
    let lever = Lever::default();
    let database = lever
        .check("database")
        .owner("orders")
        .runbook("https://runbooks.example/orders")
        .when_it_fails("Wait 40 s.");
    let health = built([database.success_ttl(None).failed_ttl(None)]);
    health.report().await;
    lever.fail();
    health.report().await;
    assert_eq!(
        log.of("ERROR"),
        [
            "ERROR health check failed check=\"database\" output=broken owner=\"orders\" \
          runbook=\"https://runbooks.example/orders\" when_it_fails=\"Wait 40 s.\""
        ]
    );
    lever.pass();
    health.report().await;
    assert_eq!(
        log.of("INFO"),
        ["INFO health check recovered check=\"database\" output=fine"]
    );
}
