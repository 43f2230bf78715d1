//! Tests checks with an interval. A background loop runs these checks, and requests read the stored results.

use std::time::Duration;

use healthcheck::{Check, Selection, Status};
use tokio::time::{Instant, advance, sleep};

use crate::support::{Lever, built, of};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_background_check_runs_at_its_interval_and_requests_only_read() {
    let lever = Lever::default();
    let health = built([lever.check("a").interval(10 * SECOND)]);
    for _ in 0..100 {
        health.report().await;
    }
    assert_eq!(lever.runs(), 1);
    sleep(60 * SECOND).await;
    assert!(
        (5..=7).contains(&lever.runs()),
        "{} runs in a minute",
        lever.runs()
    );
}

#[tokio::test(start_paused = true)]
async fn the_first_background_result_is_awaited_within_the_budget() {
    let lever = Lever::default();
    let health = built([lever.check("a").interval(10 * SECOND).initial_delay(3 * SECOND)]);
    let report = health.report_within(&Selection::all(), SECOND).await.unwrap();
    assert_eq!(of(&report, "a").output, "not run yet");
    let report = health.report_within(&Selection::all(), 4 * SECOND).await.unwrap();
    assert_eq!(of(&report, "a").output, "fine");
}

#[tokio::test(start_paused = true)]
async fn a_report_does_not_sit_out_an_initial_delay() {
    let lever = Lever::default();
    let health = built([
        lever
            .check("a")
            .interval(10 * SECOND)
            .initial_delay(3_600 * SECOND)
            .timeout(SECOND),
        lever.check("b"),
        lever.check("c").depends_on(["a"]),
    ]);
    let began = Instant::now();
    let report = health.report().await;
    assert!(began.elapsed() < 3 * SECOND, "{:?}", began.elapsed());
    assert_eq!(of(&report, "a").output, "not run yet");
    assert_eq!(of(&report, "b").status, Status::Pass);
    assert_eq!(of(&report, "c").output, "fine", "not held up by it either");

    sleep(2 * 3_600 * SECOND).await;
    assert_eq!(of(&*health.report().await, "a").output, "fine");
}

#[tokio::test(start_paused = true)]
async fn start_begins_the_loops_before_anybody_asks() {
    let lever = Lever::default();
    let health = built([lever.check("a").interval(10 * SECOND)]);
    health.start();
    sleep(Duration::from_millis(10)).await;
    assert_eq!(lever.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_loops_end_with_the_last_health_check() {
    let lever = Lever::default();
    let health = built([lever.check("a").interval(SECOND)]);
    health.report().await;
    drop(health);
    let before = lever.runs();
    sleep(60 * SECOND).await;
    assert_eq!(lever.runs(), before);
}

#[test]
fn a_loop_that_died_with_its_runtime_is_started_again_by_the_next_who_asks() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
    };
    let lever = Lever::default();
    let health = built([lever.check("a").interval(10 * SECOND)]);
    runtime().block_on(health.report());
    let before = lever.runs();
    runtime().block_on(async {
        health.report().await;
        sleep(25 * SECOND).await;
    });
    assert!(lever.runs() > before + 1, "{} then {}", before, lever.runs());
}

#[tokio::test(start_paused = true)]
async fn a_background_result_that_is_too_old_is_a_failure() {
    let home = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let health = built([Check::new("a", async || true).interval(10 * SECOND)]);
    let asked = health.clone();
    // This drops the runtime on which the background loop runs. The library starts a new loop on the test's runtime,
    // but this runtime has no time to run the loop.
    std::thread::spawn(move || drop(home.block_on(asked.report())))
        .join()
        .unwrap();
    advance(2 * 10 * SECOND + 5 * SECOND + SECOND).await;
    let report = health
        .report_within(&Selection::all(), Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(of(&report, "a").status, Status::Fail);
    let output = of(&report, "a").output.as_str().unwrap();
    assert!(
        output.starts_with("stale: the background loop gave its last result 26 s ago"),
        "{output}"
    );
    sleep(SECOND).await;
    assert_eq!(
        of(&*health.report().await, "a").status,
        Status::Pass,
        "the next loop repairs it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_background_run_that_hangs_fails_at_its_limit_though_nobody_waits() {
    let lever = Lever::default();
    let steered = lever.clone();
    let health = built([Check::new("a", move || {
        let lever = steered.clone();
        async move {
            let outcome = lever.pull();
            if lever.runs() == 2 {
                std::future::pending::<()>().await;
            }
            outcome
        }
    })
    .interval(60 * SECOND)
    .timeout(SECOND)]);
    health.report().await;
    sleep(68 * SECOND).await;
    let report = health.fresh(&Selection::all()).unwrap();
    assert_eq!(of(&report, "a").output, "timed out after 1 s");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_loops_do_not_beat_in_step() {
    let lever = Lever::default();
    let health = built((0..1_000).map(|i| lever.check(&format!("{i:04}")).interval(10 * SECOND)));
    health.report().await;
    assert_eq!(lever.runs(), 1_000);
    sleep(Duration::from_millis(9_990)).await;
    let early = lever.runs() - 1_000;
    assert!(
        (300..700).contains(&early),
        "{early} of 1000 ran in the first half of the spread"
    );
}

#[test]
fn a_background_check_whose_runtime_is_gone_for_good_does_not_keep_the_answer() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let gone = runtime().handle().clone();
    let (answer, answered) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let health = built([Check::new("a", async || true).interval(10 * SECOND)]).on_runtime(gone);
        for budget in [None, Some(Duration::from_millis(20))] {
            let report = runtime().block_on(health.report_within(&Selection::all(), budget));
            answer.send(report.unwrap()).unwrap();
        }
    });
    for _ in 0..2 {
        let report = answered
            .recv_timeout(20 * SECOND)
            .expect("an answer, whatever the loop does");
        assert_eq!(of(&report, "a").output, "its runtime was shut down");
    }
}

#[test]
fn a_background_check_whose_runtime_is_blocked_does_not_keep_the_answer() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
    };
    // No thread drives the runtime `home`. So tasks on `home` never run, as if `home` were blocked.
    let home = runtime();
    let health =
        built([Check::new("a", async || true).interval(10 * SECOND)]).on_runtime(home.handle().clone());
    let report = runtime().block_on(async { tokio::time::timeout(60 * SECOND, health.report()).await });
    assert_eq!(of(&report.unwrap(), "a").output, "not run yet");
}

#[tokio::test(start_paused = true)]
async fn a_background_check_that_depends_on_another_goes_on_running() {
    let (dns, api) = (Lever::default(), Lever::default());
    let health = built([
        dns.check("dns"),
        api.check("api").depends_on(["dns"]).interval(10 * SECOND),
    ]);
    health.report().await;
    sleep(60 * SECOND).await;
    assert!((5..=7).contains(&api.runs()), "{} runs in a minute", api.runs());
    assert_eq!(of(&*health.report().await, "api").status, Status::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_background_check_that_is_blocked_before_its_first_result_does_not_keep_the_answer() {
    let (dns, api) = (Lever::default(), Lever::default());
    dns.fail();
    let health = built([
        dns.check("dns"),
        api.check("api").depends_on(["dns"]).interval(10 * SECOND),
    ]);
    let report = tokio::time::timeout(SECOND, health.report()).await.unwrap();
    assert_eq!(of(&report, "api").blocked_by.as_deref(), Some("dns"));
    assert_eq!(api.runs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_blocked_background_check_recovers_in_the_same_answer_as_its_dependency() {
    for blocked_from_the_start in [true, false] {
        let (dns, api) = (Lever::default(), Lever::default());
        let health = built([
            dns.check("dns").failed_ttl(SECOND).success_ttl(SECOND),
            api.check("api").depends_on(["dns"]).interval(1_000 * SECOND),
        ]);
        if !blocked_from_the_start {
            health.report().await;
        }
        dns.fail();
        advance(2 * SECOND).await;
        let report = health.report().await;
        assert_eq!(of(&report, "api").blocked_by.as_deref(), Some("dns"));
        dns.pass();
        advance(2 * SECOND).await;
        let report = tokio::time::timeout(SECOND, health.report()).await.unwrap();
        assert_eq!(of(&report, "api").status, Status::Pass, "{report:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_held_a_background_check_up_for_long_leaves_no_stale_result_behind() {
    let (dns, api) = (Lever::default(), Lever::default());
    let health = built([
        dns.check("dns").failed_ttl(SECOND).success_ttl(SECOND),
        api.check("api").depends_on(["dns"]).interval(10 * SECOND),
    ]);
    health.report().await;
    dns.fail();
    advance(2 * SECOND).await;
    health.report().await;
    sleep(300 * SECOND).await;
    dns.pass();
    advance(2 * SECOND).await;
    let report = health.report().await;
    assert_eq!(of(&report, "api").status, Status::Pass, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_result_that_grew_stale_is_renewed_by_whoever_asks_first() {
    // Imitates a machine that is suspended: `advance` makes 26 s pass at once, and the background loop doesn't run
    // meanwhile.
    let lever = Lever::default();
    let health = built([lever.check("a").interval(10 * SECOND)]);
    health.report().await;
    advance(26 * SECOND).await;
    assert_eq!(of(&*health.report().await, "a").status, Status::Pass);
    assert_eq!(lever.runs(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_interval_beyond_the_clock_is_one_run_and_no_loop_that_dies() {
    let lever = Lever::default();
    let health = built([lever.check("a").interval(Duration::MAX)]);
    for _ in 0..3 {
        health.report().await;
        advance(SECOND).await;
    }
    assert_eq!(lever.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_ten_thousand_background_checks_cost_does_not_grow_with_their_square() {
    // An earlier version of the library examined every check each time that the background loop woke. With 10,000
    // checks this test would then take minutes.
    let lever = Lever::default();
    let checks = (0..10_000).map(|i| lever.check(&format!("{i:05}")).interval(10 * SECOND));
    let health = built(checks);
    let began = std::time::Instant::now();
    health.report().await;
    sleep(30 * SECOND).await;
    assert!(lever.runs() >= 30_000, "{} runs", lever.runs());
    assert!(began.elapsed() < 20 * SECOND, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_loops_end_with_the_last_health_check_though_a_run_is_stuck() {
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = std::sync::Mutex::new(blocked);
    let lever = Lever::default();
    let health = built([
        lever.check("a").interval(SECOND),
        Check::blocking("stuck", move || {
            let _ = blocked.lock().unwrap().recv();
        })
        .timeout(None),
    ]);
    health
        .report_within(&Selection::all(), Duration::ZERO)
        .await
        .unwrap();
    // While a blocking check runs, tokio doesn't advance paused time automatically. So the test advances the time.
    let wait = async || {
        for _ in 0..20 {
            advance(2 * SECOND).await;
            tokio::task::yield_now().await;
        }
    };
    wait().await;
    drop(health);
    let before = lever.runs();
    assert!(before > 10, "{before}");
    wait().await;
    assert_eq!(lever.runs(), before);
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_first_runs_do_not_begin_in_step() {
    let lever = Lever::default();
    let checks = (0..1_000).map(|i| {
        let check = lever.check(&format!("{i:04}"));
        check.interval(1_000 * SECOND).initial_delay(10 * SECOND)
    });
    let health = built(checks);
    health.start();
    sleep(Duration::from_millis(8_990)).await;
    assert_eq!(lever.runs(), 0);
    sleep(SECOND).await;
    let early = lever.runs();
    assert!(
        (300..700).contains(&early),
        "{early} of 1000 in the first half of the spread"
    );
    sleep(Duration::from_millis(1_020)).await;
    assert_eq!(lever.runs(), 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_result_without_a_time_limit_is_stale_after_two_intervals_and_five_seconds() {
    let lever = Lever::default();
    let steered = lever.clone();
    let hangs = Check::new("a", move || {
        let lever = steered.clone();
        async move {
            let outcome = lever.pull();
            if lever.runs() > 1 {
                std::future::pending::<()>().await;
            }
            outcome
        }
    });
    let depends = Lever::default();
    let health = built([
        hangs.interval(10 * SECOND).timeout(None),
        depends.check("b").depends_on(["a"]),
    ]);
    health.report().await;
    advance(29 * SECOND).await;
    assert_eq!(of(&*health.report().await, "a").status, Status::Pass);
    advance(2 * SECOND).await;
    let report = health.report_within(&Selection::all(), SECOND).await.unwrap();
    let result = of(&report, "a");
    assert!(
        result.output.as_str().unwrap().starts_with("stale: "),
        "{result:?}"
    );
    assert_eq!(
        (result.status, result.consecutive_failures, result.pending),
        (Status::Fail, 0, None),
        "stale is no run"
    );
    assert_eq!(
        of(&report, "b").blocked_by.as_deref(),
        Some("a"),
        "staleness counts"
    );
}

#[tokio::test(start_paused = true)]
async fn many_initial_delays_are_waited_for_at_once() {
    let lever = Lever::default();
    let late = (0..10).map(|i| {
        lever
            .check(&format!("late {i}"))
            .interval(60 * SECOND)
            .initial_delay(3_600 * SECOND)
    });
    let names: Vec<String> = (0..10).map(|i| format!("late {i}")).collect();
    let health = built(late.chain([lever.check("web").depends_on(names)]));
    let began = Instant::now();
    let report = health.report().await;
    assert!(began.elapsed() < 7 * SECOND, "{:?}", began.elapsed());
    assert_eq!(of(&report, "web").output, "fine");
}
