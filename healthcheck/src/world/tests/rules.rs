//! Tests of the rules that determine a status. Each rule has at least one test, so the name of a failing test shows
//! which rule is broken.

use std::time::Duration;

use serde_json::json;

use super::super::{Event, Notice, Override};
use super::stage::{RUNTIME, Spec, Stage};
use crate::outcome::Status::{self, Fail, Pass, Warn};
use crate::report::{CheckResult, Overall};
use crate::selection::Selection;
use crate::transition::Cause;

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Returns a check whose results are never cached, so each request runs the check again.
fn uncached(name: &str) -> Spec {
    Spec::new(name).with(|options| {
        options.success_ttl = Some(None);
        options.failed_ttl = Some(None);
    })
}

fn stage(specs: impl IntoIterator<Item = Spec>) -> Stage {
    Stage::new(specs.into_iter().collect(), 1)
}

impl Stage {
    /// Starts a request for all checks. Then ends the run of the check `name`, with this status. Other runs stay in
    /// progress.
    fn run(&mut self, name: &str, status: Status) {
        self.ask(&Selection::all(), RUNTIME);
        let run = self.run_of(name).expect("it is due");
        self.end_run(run, status);
    }

    fn result(&self, name: &str) -> CheckResult {
        let report = self.report(&Selection::all());
        report.get(name).expect("it is there").clone()
    }

    /// Starts a request for readiness. Returns whether this request has started a run of the check `name`.
    fn is_run_on_a_probe(&mut self, name: &str) -> bool {
        let probe = Selection::readiness().max_age(seconds(5), seconds(2));
        let before = self.run_of(name);
        self.ask(&probe, RUNTIME);
        self.run_of(name) != before
    }

    fn set(&mut self, name: &str, status: Status, lasts: Duration) {
        let check = self.id(name);
        let set = Some(Override {
            status,
            reason: "game day".to_owned(),
            until: self.now.mono + lasts,
            until_wall: 0.0,
        });
        self.happen(Event::Overridden { check, set });
    }
}

// Tests of the option `fail_after`

#[test]
fn a_failure_is_a_warning_until_it_has_lasted() {
    let mut stage = stage([uncached("db").with(|options| options.fail_after = Some(seconds(60)))]);
    stage.run("db", Pass);
    stage.pass_time(seconds(10));
    stage.run("db", Fail);
    assert_eq!(stage.status("db"), Some(Warn));
    let result = stage.result("db");
    assert!(result.passed);
    assert_eq!(result.output, json!("failing for 0 ms, fails after 60 s: null"));
    assert_eq!(result.consecutive_failures, 1);
    assert!(result.failing_since.is_some());
    let pending = result.pending.expect("the failure is to come");
    assert_eq!((pending.status, pending.count, pending.of), (Fail, 1, 1));
    assert_eq!(pending.until, Some(1_600_000_070.0));
    stage.pass_time(seconds(12));
    stage.run("db", Fail);
    let output = stage.result("db").output;
    assert_eq!(output, json!("failing for 12 s, fails after 60 s: null"));
    // When `fail_after` is over, the warning becomes a failure without a new run. The `World` then sends two notices,
    // one about the check and one about the overall status.
    stage.pass_time(millis(47_999));
    stage.tick();
    assert_eq!(stage.status("db"), Some(Warn));
    stage.notices.clear();
    stage.pass_time(millis(1));
    stage.tick();
    assert_eq!(stage.status("db"), Some(Fail));
    assert_eq!(
        stage.notices.len(),
        2,
        "of the check and of the whole: {:?}",
        stage.notices
    );
    let result = stage.result("db");
    assert!(!result.passed && result.pending.is_none());
    assert_eq!(result.output, json!(null));
}

#[test]
fn a_pass_ends_a_warning_at_once_whatever_the_success_threshold() {
    let mut stage = stage([uncached("db").with(|options| {
        options.fail_after = Some(seconds(60));
        options.success_threshold = 3;
    })]);
    for (status, shown) in [(Pass, Pass), (Fail, Warn), (Pass, Pass), (Fail, Warn)] {
        stage.run("db", status);
        assert_eq!(stage.status("db"), Some(shown));
        stage.pass_time(seconds(59));
    }
    // `fail_after` (60 s) begins with the first failed run after the last pass. That run ended 59 s ago, so the check
    // still shows a warning.
    stage.run("db", Fail);
    assert_eq!(stage.status("db"), Some(Warn));
    stage.pass_time(seconds(1));
    stage.run("db", Fail);
    assert_eq!(stage.status("db"), Some(Fail));
    // The check now shows a failure. It needs three passes in a row to recover. A failed run between the passes doesn't
    // turn the failure into a warning again.
    for (status, shown) in [
        (Pass, Fail),
        (Fail, Fail),
        (Pass, Fail),
        (Pass, Fail),
        (Pass, Pass),
    ] {
        stage.run("db", status);
        assert_eq!(stage.status("db"), Some(shown));
    }
}

#[test]
fn fail_after_and_the_failure_threshold_have_both_to_be_reached() {
    let mut stage = stage([uncached("db").with(|options| {
        options.fail_after = Some(seconds(10));
        options.failure_threshold = 3;
    })]);
    stage.run("db", Pass);
    stage.run("db", Fail);
    assert_eq!(
        stage.status("db"),
        Some(Pass),
        "below the threshold what is held is shown"
    );
    stage.pass_time(seconds(4));
    stage.run("db", Fail);
    assert_eq!(stage.status("db"), Some(Pass));
    stage.run("db", Fail);
    assert_eq!(
        stage.status("db"),
        Some(Warn),
        "with the threshold reached, the warning"
    );
    stage.pass_time(seconds(6));
    stage.tick();
    assert_eq!(
        stage.status("db"),
        Some(Fail),
        "counted from the first failing run, the failure"
    );
}

#[test]
fn before_its_first_pass_nothing_holds_a_failure_back() {
    let mut stage = stage([uncached("db").with(|options| {
        options.fail_after = Some(seconds(60));
        options.failure_threshold = 3;
        options.success_threshold = 3;
    })]);
    stage.run("db", Fail);
    assert_eq!(stage.status("db"), Some(Fail));
    stage.run("db", Pass);
    assert_eq!(stage.status("db"), Some(Pass));
}

#[test]
fn a_cached_warning_is_fresh_until_it_turns_and_a_failure_that_has_lasted_is_cached_again() {
    let mut stage = stage([Spec::new("db").with(|options| options.fail_after = Some(seconds(3)))]);
    stage.run("db", Pass);
    stage.pass_time(seconds(27));
    stage.run("db", Fail);
    stage.pass_time(millis(2_999));
    stage.ask(&Selection::all(), RUNTIME);
    assert_eq!(stage.run_of("db"), None, "the warning is fresh");
    stage.pass_time(millis(1));
    stage.run("db", Fail);
    assert_eq!(stage.status("db"), Some(Fail));
    stage.pass_time(seconds(8));
    stage.ask(&Selection::all(), RUNTIME);
    assert_eq!(stage.run_of("db"), None, "the failure is fresh for 9 s");
    stage.pass_time(seconds(1));
    stage.run("db", Fail);
}

#[test]
fn being_blocked_is_no_failure_of_ones_own_and_a_time_out_is_one() {
    let db = uncached("db").depends_on(&["dns"]);
    let db = db.with(|options| options.fail_after = Some(seconds(60)));
    let mut stage = stage([uncached("dns"), db]);
    stage.run("dns", Pass);
    stage.run("db", Pass);
    stage.end_all(Pass);
    stage.run("dns", Fail);
    assert_eq!(stage.status("db"), Some(Fail), "blocked fails at once");
    assert_eq!(stage.result("db").blocked_by.as_deref(), Some("dns"));
    assert_eq!(stage.result("db").consecutive_failures, 0);
    stage.run("dns", Pass);
    stage.ask(&Selection::all(), RUNTIME);
    stage.end_all(Pass);
    assert_eq!(stage.status("db"), Some(Pass));
    stage.ask(&Selection::all(), RUNTIME);
    let dns = stage.run_of("dns").expect("it is run");
    stage.end_run(dns, Pass);
    assert!(stage.run_of("db").is_some());
    stage.pass_time(seconds(5));
    stage.tick();
    assert!(stage.is_stuck("db"));
    assert_eq!(stage.status("db"), Some(Warn), "a time-out is a failing run");
}

// Tests of thresholds

#[test]
fn a_threshold_holds_what_was_shown_and_shows_what_is_under_way() {
    let mut stage = stage([uncached("db").with(|options| {
        options.failure_threshold = 3;
        options.success_threshold = 2;
    })]);
    stage.run("db", Pass);
    stage.run("db", Fail);
    stage.run("db", Fail);
    let result = stage.result("db");
    assert_eq!(result.status, Pass);
    let pending = result.pending.expect("two of three");
    assert_eq!(
        (pending.status, pending.count, pending.of, pending.until),
        (Fail, 2, 3, None)
    );
    // A warning ends a series of failures, so the two failures before it no longer count towards the failure threshold.
    stage.run("db", Warn);
    assert_eq!(stage.status("db"), Some(Warn));
    stage.run("db", Fail);
    stage.run("db", Fail);
    assert_eq!(stage.status("db"), Some(Warn));
    stage.run("db", Fail);
    assert_eq!(stage.status("db"), Some(Fail));
    stage.run("db", Warn);
    assert_eq!(stage.status("db"), Some(Fail));
    stage.run("db", Pass);
    assert_eq!(stage.status("db"), Some(Pass));
}

// Tests of freshness

#[test]
fn before_its_first_pass_a_failure_is_fresh_for_a_quarter_of_a_second_on_a_probe() {
    let mut stage = stage([Spec::new("db")]);
    stage.run("db", Fail);
    stage.pass_time(millis(249));
    assert!(!stage.is_run_on_a_probe("db"));
    stage.pass_time(millis(1));
    stage.ask(&Selection::all(), RUNTIME);
    assert_eq!(stage.run_of("db"), None, "elsewhere it is fresh for 9 s");
    assert!(stage.is_run_on_a_probe("db"));
    assert!(
        !stage.is_run_on_a_probe("db"),
        "the run that goes on is the only one"
    );
    stage.end_all(Pass);
    stage.pass_time(seconds(5));
    assert!(stage.is_run_on_a_probe("db"));
    stage.end_all(Fail);
    stage.pass_time(millis(1_999));
    assert!(
        !stage.is_run_on_a_probe("db"),
        "after the first pass a failure is fresh for 2 s"
    );
    stage.pass_time(millis(1));
    assert!(stage.is_run_on_a_probe("db"));
}

#[test]
fn a_ttl_that_somebody_chose_holds_on_probes_as_well() {
    let mut stage = stage([Spec::new("db").with(|options| options.failed_ttl = Some(Some(seconds(7))))]);
    stage.run("db", Fail);
    stage.pass_time(millis(6_999));
    assert!(!stage.is_run_on_a_probe("db"));
    stage.pass_time(millis(1));
    assert!(stage.is_run_on_a_probe("db"));
}

#[test]
fn a_machine_that_was_suspended_wakes_up_with_nothing_fresh() {
    let mut stage = stage([Spec::new("db")]);
    stage.run("db", Pass);
    let wall = stage.now.wall;
    stage.set_wall_clock(wall + seconds(27));
    stage.ask(&Selection::all(), RUNTIME);
    assert!(stage.run_of("db").is_some());
}

#[test]
fn what_was_fresh_when_a_request_came_is_shown_so_however_long_the_others_took() {
    let mut stage = stage([
        Spec::new("db"),
        Spec::new("slow").with(|options| options.timeout = Some(None)),
    ]);
    stage.run("db", Pass);
    stage.end_all(Pass);
    stage.pass_time(seconds(20));
    let asked_at = stage.now;
    stage.pass_time(seconds(120));
    let selection = Selection::all();
    let members = stage.world.members(&selection).expect("it is there");
    let asked = super::super::Asked::new(&selection, asked_at, stage.now);
    let report = stage.world.report("host", &members, &asked);
    let db = report.get("db").expect("it is there");
    assert_eq!((db.status, db.stale), (Pass, false), "{db:?}");
}

// Tests of runs that take too long and have no result yet

#[test]
fn a_run_without_a_limit_that_gives_nothing_fails_its_check_after_five_seconds() {
    let mut stage = stage([uncached("db").with(|options| options.timeout = Some(None))]);
    stage.run("db", Pass);
    stage.ask(&Selection::all(), RUNTIME);
    stage.pass_time(millis(4_999));
    stage.tick();
    assert_eq!(stage.status("db"), Some(Pass));
    stage.pass_time(millis(1));
    stage.tick();
    assert_eq!(stage.status("db"), Some(Fail));
    assert_eq!(
        stage.result("db").output,
        json!("no result for 5 s, still running")
    );
    assert_eq!(stage.world.stuck_runs(), 1);
    stage.end_all(Pass);
    assert_eq!(stage.status("db"), Some(Pass));
    assert_eq!(stage.world.stuck_runs(), 0);
}

#[test]
fn silence_counts_from_the_first_failure_in_a_row() {
    let spec = uncached("db").with(|options| {
        options.timeout = Some(None);
        options.fail_after = Some(seconds(20));
        options.success_threshold = 2;
    });
    let mut stage = stage([spec]);
    stage.run("db", Pass);
    stage.ask(&Selection::all(), RUNTIME);
    stage.pass_time(seconds(5));
    stage.tick();
    assert_eq!(
        stage.status("db"),
        Some(Warn),
        "silent after a pass: from its start on"
    );
    stage.pass_time(seconds(15));
    stage.tick();
    assert_eq!(stage.status("db"), Some(Fail));
    stage.end_all(Pass);

    stage.run("db", Fail);
    stage.ask(&Selection::all(), RUNTIME);
    stage.pass_time(seconds(10));
    stage.tick();
    assert_eq!(
        stage.status("db"),
        Some(Warn),
        "silent after a failure: from that failure on"
    );
    stage.pass_time(seconds(10));
    stage.tick();
    assert_eq!(stage.status("db"), Some(Fail));
    stage.end_all(Fail);
    assert_eq!(stage.status("db"), Some(Fail));

    stage.run("db", Pass);
    stage.ask(&Selection::all(), RUNTIME);
    stage.pass_time(seconds(5));
    stage.tick();
    assert_eq!(
        stage.status("db"),
        Some(Fail),
        "silent in the middle of a recovery: it fails as before"
    );
}

#[test]
fn a_startup_check_that_has_passed_stays_so_while_a_later_run_gives_nothing() {
    let mut stage = stage([uncached("db").with(|options| {
        options.timeout = Some(None);
        options.startup = true;
    })]);
    stage.run("db", Pass);
    stage.ask(&Selection::all(), RUNTIME);
    stage.pass_time(seconds(5));
    stage.tick();
    assert_eq!(stage.report(&Selection::readiness()).status, Overall::Failure);
    assert_eq!(stage.report(&Selection::startup()).status, Overall::Success);
}

// Tests of dependencies

#[test]
fn a_check_that_is_added_below_a_failing_one_is_blocked_at_once() {
    let mut stage = stage([uncached("dns")]);
    stage.run("dns", Fail);
    stage.add(Spec::new("api").depends_on(&["dns"]));
    assert_eq!(stage.status("api"), Some(Fail));
    assert_eq!(stage.result("api").status, Fail);
    let history = stage.world.history();
    let of_api = history
        .iter()
        .find(|transition| transition.checker.as_deref() == Some("api"));
    assert_eq!(of_api.map(|transition| transition.to), Some(Fail));
}

#[test]
fn an_override_that_ends_before_the_first_result_lets_its_dependants_go() {
    let mut stage = stage([uncached("dns"), Spec::new("api").depends_on(&["dns"])]);
    stage.run("dns", Pass);
    stage.end_all(Pass);
    stage.add(uncached("vault"));
    stage.set("vault", Fail, seconds(10));
    let api = stage.id("api");
    stage.happen(Event::Removed {
        check: api,
        disable: false,
    });
    stage.add(Spec::new("api").depends_on(&["vault"]));
    assert_eq!(stage.status("api"), Some(Fail));
    stage.pass_time(seconds(10));
    stage.tick();
    assert_eq!(stage.status("vault"), None);
    assert_eq!(stage.status("api"), None);
    assert_eq!(stage.result("api").blocked_by, None);
}

#[test]
fn the_first_result_of_a_check_that_was_blocked_ends_its_dependencys_failure() {
    let mut stage = stage([uncached("dns"), Spec::new("api").depends_on(&["dns"])]);
    stage.run("dns", Fail);
    stage.run("dns", Pass);
    stage.end_all(Pass);
    let history = stage.world.history();
    let of_api = history
        .iter()
        .filter(|change| change.checker.as_deref() == Some("api"));
    let causes: Vec<_> = of_api.map(|change| (change.to, change.by)).collect();
    assert_eq!(causes, [(Fail, Cause::Dependency), (Pass, Cause::Dependency)]);
}

/// After a check fails, its dependency runs again. If this run of the dependency is lost, the check shows its own
/// output.
#[test]
fn a_failure_whose_dependencies_cannot_be_looked_at_again_is_shown_as_it_is() {
    let mut stage = stage([Spec::new("dns"), uncached("api").depends_on(&["dns"])]);
    stage.run("dns", Pass);
    stage.end_all(Pass);
    stage.pass_time(seconds(1));
    stage.ask(&Selection::all(), RUNTIME);
    let api = stage.run_of("api").expect("it is due");
    let check = stage.id("api");
    stage.live.remove(&api);
    stage.happen(Event::Returned {
        check,
        run: api,
        status: Fail,
        output: json!("refused"),
    });
    let dns = stage.run_of("dns").expect("it is looked at again");
    let check = stage.id("dns");
    stage.live.remove(&dns);
    stage.happen(Event::Lost { check, run: dns });
    assert_eq!(stage.result("api").output, json!("refused"));
    assert!(stage.waiting.is_empty());
}

#[test]
fn a_shared_failure_degrades_readiness_and_so_does_what_it_blocks() {
    let dns = uncached("dns").with(|options| options.external = true);
    let said = uncached("said").depends_on(&["dns"]);
    let said = said.with(|options| options.set_critical(true));
    let mut stage = stage([dns, uncached("api").depends_on(&["dns"])]);
    stage.run("dns", Fail);
    assert_eq!(stage.status("api"), Some(Fail));
    assert_eq!(stage.report(&Selection::readiness()).status, Overall::Degraded);
    assert_eq!(stage.report(&Selection::all()).status, Overall::Failure);
    // A failure that other instances share normally only degrades readiness. The check `said` sets `critical`
    // explicitly, so its failure makes readiness fail.
    stage.add(said);
    assert_eq!(stage.report(&Selection::readiness()).status, Overall::Failure);
}

#[test]
fn what_is_blocked_by_a_check_of_its_own_beside_a_shared_one_fails_readiness() {
    let dns = uncached("dns").with(|options| options.external = true);
    let api = uncached("api").depends_on(&["dns", "disk"]);
    let mut stage = stage([
        dns,
        uncached("disk").with(|options| options.set_critical(false)),
        api,
    ]);
    stage.run("dns", Fail);
    assert_eq!(
        stage.report(&Selection::readiness()).status,
        Overall::Degraded,
        "disk isn't known yet"
    );
    stage.end_all(Fail);
    assert_eq!(stage.report(&Selection::readiness()).status, Overall::Failure);
}

#[test]
fn a_failing_check_has_its_dependencies_looked_at_first_and_names_the_root() {
    let mut stage = stage([Spec::new("dns"), uncached("api").depends_on(&["dns"])]);
    stage.run("dns", Pass);
    stage.end_all(Pass);
    stage.pass_time(seconds(1));
    stage.ask(&Selection::all(), RUNTIME);
    assert_eq!(stage.run_of("dns"), None, "dns is fresh");
    let api = stage.run_of("api").expect("it is due");
    stage.end_run(api, Fail);
    let dns = stage.run_of("dns").expect("it is looked at again");
    assert_eq!(stage.status("api"), Some(Pass), "until the root is known");
    stage.end_run(dns, Fail);
    assert_eq!(stage.result("api").blocked_by.as_deref(), Some("dns"));
    assert_eq!(stage.result("api").consecutive_failures, 0);
}

// Tests of checks that are added and removed

#[test]
fn the_run_of_a_removed_check_keeps_a_new_one_of_its_name_from_being_run() {
    let mut stage = stage([uncached("db")]);
    stage.ask(&Selection::all(), RUNTIME);
    let old = stage.run_of("db").expect("it is run");
    let check = stage.id("db");
    stage.happen(Event::Removed {
        check,
        disable: false,
    });
    assert!(stage.live[&old].cancelled);
    stage.add(uncached("db"));
    stage.ask(&Selection::all(), RUNTIME);
    assert_eq!(stage.run_of("db"), Some(old));
    stage.end_run(old, Pass);
    assert!(
        stage.result("db").timestamp.is_some(),
        "that it was held up is said"
    );
    assert_ne!(
        stage.status("db"),
        Some(Pass),
        "the result of the removed one isn't shown"
    );
    stage.run("db", Pass);
    assert_eq!(stage.status("db"), Some(Pass));
}

#[test]
fn what_a_removed_check_blocked_runs_without_it_and_says_so() {
    let mut stage = stage([uncached("dns"), uncached("api").depends_on(&["dns"])]);
    stage.run("dns", Fail);
    let check = stage.id("dns");
    stage.happen(Event::Removed {
        check,
        disable: false,
    });
    assert_eq!(stage.status("api"), None);
    stage.run("api", Pass);
    let report = stage.report(&Selection::all());
    assert_eq!(report.status, Overall::Success);
    assert_eq!(
        report.warnings,
        ["the check `api` runs without `dns`, which was removed"]
    );
}

// Tests of overrides, clocks and other rules

#[test]
fn an_override_ends_by_the_monotonic_clock() {
    let mut stage = stage([uncached("db")]);
    stage.run("db", Pass);
    stage.set("db", Fail, seconds(60));
    let wall = stage.now.wall;
    stage.set_wall_clock(wall + seconds(3_600));
    stage.tick();
    assert_eq!(stage.status("db"), Some(Fail));
    stage.pass_time(seconds(60));
    stage.tick();
    assert_eq!(stage.status("db"), Some(Pass));
}

#[test]
fn a_wall_clock_that_is_set_back_shortens_no_time_that_is_shown() {
    let mut stage = stage([uncached("db")]);
    stage.run("db", Pass);
    stage.pass_time(seconds(10));
    stage.run("db", Fail);
    let wall = stage.now.wall;
    stage.pass_time(seconds(30));
    stage.set_wall_clock(wall - seconds(3_600));
    stage.run("db", Fail);
    let since = stage.result("db").failing_since.expect("it fails");
    assert!(
        (since - (1_600_000_010.0 - 3_630.0)).abs() < 0.001,
        "30 s ago by the clock of now: {since}"
    );
    stage.run("db", Pass);
    let history = stage.world.history();
    let lasted: Vec<_> = history.iter().map(|transition| transition.lasted).collect();
    assert_eq!(
        lasted,
        [Some(10.0), Some(10.0), Some(30.0), Some(30.0)],
        "each of the check, then of the whole"
    );
}

#[test]
fn expire_makes_due_what_is_fresh() {
    let mut stage = stage([Spec::new("db")]);
    stage.run("db", Pass);
    stage.ask(&Selection::all(), RUNTIME);
    assert_eq!(stage.run_of("db"), None);
    let id = stage.id("db");
    stage.happen(Event::Expired(&[id]));
    stage.run("db", Pass);
}

#[test]
fn a_background_result_without_a_limit_is_stale_after_three_intervals() {
    let mut stage = stage([Spec::new("a").with(|options| {
        options.interval = Some(seconds(30));
        options.timeout = Some(None);
    })]);
    stage.happen(Event::Tick {
        runtime: Some(RUNTIME.runtime),
        driver: Some(RUNTIME),
    });
    stage.end_all(Pass);
    stage.pass_time(seconds(89));
    stage.tick();
    assert_eq!(stage.status("a"), Some(Pass));
    stage.pass_time(seconds(1));
    stage.tick();
    assert_eq!(stage.status("a"), Some(Fail));
}

#[test]
fn what_is_blocked_is_not_run_for_a_dependant_that_fails() {
    let mut stage = stage([
        uncached("c"),
        Spec::new("b").depends_on(&["c"]),
        Spec::new("a")
            .depends_on(&["b"])
            .with(|options| options.success_ttl = Some(Some(seconds(1)))),
    ]);
    stage.ask(&Selection::all(), RUNTIME);
    stage.end_all(Pass);
    stage.pass_time(seconds(2));
    // The dependency `c` fails while the check `a` is running.
    stage.ask(&Selection::all(), RUNTIME);
    let c = stage.run_of("c").expect("it is due");
    stage.end_run(c, Pass);
    let a = stage.run_of("a").expect("it is due");
    stage.pass_time(millis(10));
    stage.ask(&Selection::checks(["c"]), RUNTIME);
    let c = stage.run_of("c").expect("it is due");
    stage.pass_time(millis(10));
    stage.end_run(c, Fail);
    assert_eq!(stage.status("b"), Some(Fail));
    stage.end_run(a, Fail);
    assert_eq!(stage.run_of("b"), None, "`b` is run although `c` fails");
    assert_eq!(stage.result("a").blocked_by.as_deref(), Some("b"));
}

#[test]
fn a_failure_that_lasts_is_logged_again_as_severely_as_it_was() {
    for critical in [true, false] {
        let mut stage = stage([uncached("db").with(|options| options.set_critical(critical))]);
        stage.run("db", Fail);
        stage.notices.clear();
        stage.pass_time(seconds(600));
        stage.run("db", Fail);
        let again = stage.notices.iter().find_map(|notice| match notice {
            Notice::StillFailing { checks, critical } => Some((&**checks, *critical)),
            _ => None,
        });
        assert_eq!(again, Some((&["db".to_owned()][..], critical)));
    }
}

#[test]
fn a_run_that_another_runtime_finds_past_its_limit_is_ended_by_its_own_if_that_is_driven() {
    let mut stage = stage([uncached("a")]);
    stage.ask(&Selection::all(), RUNTIME);
    stage.pass_time(seconds(5));
    stage.step(Event::Tick {
        runtime: Some(2),
        driver: None,
    });
    assert!(stage.goes_on("a") && !stage.is_stuck("a"));
    assert!(stage.world.is_due(stage.now.mono));
    stage.tick();
    assert!(stage.is_stuck("a"));
    assert_eq!(stage.result("a").output, json!("timed out after 5 s"));
    assert!(!stage.world.is_due(stage.now.mono));
}
