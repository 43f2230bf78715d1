//! Tests `depends_on`. If a dependency fails, the result of each dependent check names the dependency. When the
//! dependency recovers, the dependent checks recover too.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use healthcheck::{Cause, Check, HealthCheck, Overall, Selection, Status, Transition};
use tokio::time::{advance, sleep};

use crate::support::{Lever, built, by_hand, of};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_check_whose_dependency_fails_is_not_run_and_says_by_what_it_is_blocked() {
    let (dns, api) = (Lever::default(), Lever::default());
    dns.fail();
    let health = built([dns.check("dns"), api.check("api").depends_on(["dns"])]);
    let report = health.report().await;
    let result = of(&report, "api");
    assert_eq!(
        (result.status, result.blocked_by.as_deref()),
        (Status::Fail, Some("dns"))
    );
    assert_eq!(result.output, "blocked by dns");
    assert_eq!(result.consecutive_failures, 0, "blocked is no run");
    assert_eq!(api.runs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_blocked_check_recovers_in_the_same_answer_as_its_dependency() {
    let (dns, api) = (Lever::default(), Lever::default());
    let health = built([dns.check("dns"), api.check("api").depends_on(["dns"])]);
    health.report().await;
    dns.fail();
    api.fail();
    advance(28 * SECOND).await;
    let report = health.report().await;
    assert_eq!(of(&report, "api").blocked_by.as_deref(), Some("dns"));
    dns.pass();
    api.pass();
    advance(10 * SECOND).await;
    let report = health.report().await;
    assert_eq!(
        (of(&report, "dns").status, of(&report, "api").status),
        (Status::Pass, Status::Pass)
    );
    assert_eq!(of(&report, "api").blocked_by, None);
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_before_is_looked_at_again_when_its_dependency_recovers() {
    let (dns, api) = (Lever::default(), Lever::default());
    let health = built([
        dns.check("dns").failed_ttl(SECOND).success_ttl(SECOND),
        api.check("api").depends_on(["dns"]).failed_ttl(1_000 * SECOND),
    ]);
    health.report().await;
    advance(28 * SECOND).await;
    // First the check `api` fails on its own. Next, its dependency `dns` fails too. Finally, both pass again.
    api.fail();
    health.report().await;
    dns.fail();
    advance(2 * SECOND).await;
    health.report().await;
    dns.pass();
    api.pass();
    advance(2 * SECOND).await;
    assert_eq!(of(&*health.report().await, "api").status, Status::Pass);
}

#[tokio::test(start_paused = true)]
async fn when_a_dependant_fails_its_dependency_is_looked_at_first_so_that_the_root_is_told_once() {
    let told: Arc<Mutex<Vec<Transition>>> = Arc::default();
    let (dns, api) = (Lever::default(), Lever::default());
    let listener = Arc::clone(&told);
    let health = by_hand()
        .check(dns.check("dns"))
        .check(api.check("api").depends_on(["dns"]).success_ttl(SECOND))
        .on_change(move |transition| listener.lock().unwrap().push(transition.clone()))
        .build()
        .unwrap();
    health.report().await;
    dns.fail();
    api.fail();
    advance(5 * SECOND).await;
    // The last result of dns would stay fresh for another 22 s. But when api fails, the library runs its dependency dns
    // at once.
    let report = health.report().await;
    assert_eq!(of(&report, "dns").status, Status::Fail);
    assert_eq!(of(&report, "api").blocked_by.as_deref(), Some("dns"));
    let history = health.history();
    let of_api: Vec<_> = history
        .iter()
        .filter(|it| it.checker.as_deref() == Some("api"))
        .collect();
    assert_eq!(of_api.len(), 1);
    assert_eq!(of_api[0].by, Cause::Dependency);
}

#[tokio::test(start_paused = true)]
async fn each_check_runs_after_what_it_depends_on_and_the_others_do_not_wait() {
    let order: Arc<Mutex<Vec<&str>>> = Arc::default();
    let traced = |name: &'static str, takes: u64| {
        let order = Arc::clone(&order);
        Check::new(name, move || {
            let order = Arc::clone(&order);
            async move {
                sleep(Duration::from_millis(takes)).await;
                order.lock().unwrap().push(name);
            }
        })
    };
    let health = built([
        traced("a", 10).depends_on(["slow"]),
        traced("b", 10).depends_on(["quick"]),
        traced("quick", 10),
        traced("slow", 100),
    ]);
    let began = tokio::time::Instant::now();
    health.report().await;
    assert_eq!(*order.lock().unwrap(), ["quick", "b", "slow", "a"]);
    assert!(
        began.elapsed() < Duration::from_millis(120),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_warning_of_the_dependency_blocks_nothing() {
    let (dns, api) = (Lever::default(), Lever::default());
    dns.warn();
    let health = built([dns.check("dns"), api.check("api").depends_on(["dns"])]);
    assert_eq!(of(&*health.report().await, "api").status, Status::Pass);
}

#[tokio::test(start_paused = true)]
async fn the_dependency_outside_of_a_selection_is_looked_at_and_not_told() {
    let (dns, api) = (Lever::default(), Lever::default());
    dns.fail();
    let health = built([dns.check("dns"), api.check("api").depends_on(["dns"])]);
    let report = health.report_for(&Selection::checks(["api"])).await.unwrap();
    assert_eq!(report.results.len(), 1);
    assert_eq!(of(&report, "api").blocked_by.as_deref(), Some("dns"));
}

#[tokio::test(start_paused = true)]
async fn a_dependency_overridden_to_fail_blocks() {
    let (dns, api) = (Lever::default(), Lever::default());
    let health = built([dns.check("dns"), api.check("api").depends_on(["dns"])]);
    health.report().await;
    health
        .set_override("dns", Status::Fail, 60 * SECOND, "game day")
        .unwrap();
    assert_eq!(
        of(&*health.report().await, "api").blocked_by.as_deref(),
        Some("dns")
    );
    advance(61 * SECOND).await;
    assert_eq!(of(&*health.report().await, "api").status, Status::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_chain_is_blocked_by_its_next_link_and_recovers_as_a_whole() {
    let (a, b, c) = (Lever::default(), Lever::default(), Lever::default());
    a.fail();
    let health = built([
        a.check("a"),
        b.check("b").depends_on(["a"]),
        c.check("c").depends_on(["b"]),
    ]);
    let report = health.report().await;
    assert_eq!(of(&report, "c").blocked_by.as_deref(), Some("b"));
    a.pass();
    advance(10 * SECOND).await;
    let report = health.report().await;
    assert!(report.results.iter().all(|result| result.passed), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocking_check_waits_for_its_dependency_as_well() {
    let dns = Lever::default();
    let health = built([
        dns.check("dns").failed_ttl(None),
        Check::blocking("api", || false)
            .depends_on(["dns"])
            .failed_ttl(None),
    ]);
    assert_eq!(of(&*health.report().await, "api").output, "failed");
    dns.fail();
    assert_eq!(of(&*health.report().await, "api").output, "blocked by dns");
}

#[tokio::test(start_paused = true)]
async fn the_root_is_found_through_a_chain_of_fresh_results() {
    let (net, dns, api) = (Lever::default(), Lever::default(), Lever::default());
    let health = built([
        net.check("net"),
        dns.check("dns").depends_on(["net"]),
        api.check("api").depends_on(["dns"]).success_ttl(SECOND),
    ]);
    health.report().await;
    for lever in [&net, &dns, &api] {
        lever.fail();
    }
    advance(5 * SECOND).await;
    let report = health.report().await;
    assert_eq!(of(&report, "net").output, "broken");
    assert_eq!(of(&report, "dns").blocked_by.as_deref(), Some("net"));
    assert_eq!(of(&report, "api").blocked_by.as_deref(), Some("dns"));
}

#[tokio::test(start_paused = true)]
async fn the_second_look_at_a_dependency_counts_neither_for_the_limit_nor_for_the_response_time() {
    for dns_fails in [true, false] {
        let (dns, api) = (Lever::default(), Lever::default());
        let steered = dns.clone();
        let slow = Check::new("dns", move || {
            let lever = steered.clone();
            async move {
                let outcome = lever.pull();
                sleep(3 * SECOND).await;
                outcome
            }
        });
        let health = built([
            slow,
            api.check("api")
                .depends_on(["dns"])
                .success_ttl(SECOND)
                .timeout(SECOND),
        ]);
        health.report().await;
        if dns_fails {
            dns.fail();
        }
        api.fail();
        advance(5 * SECOND).await;
        let report = health.report().await;
        assert_eq!(dns.runs(), 2);
        let result = of(&report, "api");
        if dns_fails {
            assert_eq!(result.output, "blocked by dns");
            assert_eq!(health.statistics().checks[0].failures, 0, "blocked is no run");
        } else {
            assert_eq!(result.output, "broken");
            assert!(result.response_time.unwrap() < 1.0, "{result:?}");
        }
    }
}

#[test]
fn a_check_that_waits_for_its_dependency_on_a_blocked_runtime_does_not_keep_the_answer() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
    };
    for dns_is_known in [false, true] {
        // No thread drives the runtime `home`. So tasks on `home` never run, as if `home` were blocked.
        let home = runtime();
        let (dns, api) = (Lever::default(), Lever::default());
        let health = built([dns.check("dns"), api.check("api").depends_on(["dns"])]);
        if dns_is_known {
            let known = runtime().block_on(health.report_for(&Selection::checks(["dns"])));
            assert_eq!(known.unwrap().status, Overall::Success);
        }
        let health = health.on_runtime(home.handle().clone());
        let report = runtime().block_on(async { tokio::time::timeout(60 * SECOND, health.report()).await });
        let report = report.expect("an answer");
        let never = "timed out after 5 s, before it could start";
        let told = (&of(&report, "api").output, &of(&report, "dns").output);
        if dns_is_known {
            assert_eq!(told, (&never.into(), &"fine".into()));
        } else {
            assert_eq!(told, (&"blocked by dns".into(), &never.into()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_waits_for_its_dependency_longer_than_its_own_limit() {
    let dns = Check::new("dns", async || sleep(20 * SECOND).await).timeout(30 * SECOND);
    let health = built([
        dns,
        Lever::default().check("api").depends_on(["dns"]).timeout(SECOND),
    ]);
    assert_eq!(of(&*health.report().await, "api").output, "fine");
}

#[tokio::test(start_paused = true)]
async fn a_deep_chain_and_a_wide_net_of_dependencies_are_told() {
    let chain = (0..1_000).map(|i: u32| {
        let check = Check::new(format!("chain {i:04}"), async || true);
        if i == 0 {
            check
        } else {
            check.depends_on([format!("chain {:04}", i - 1)])
        }
    });
    // These checks form layers. Each check depends on all checks of the previous layer. So the number of paths through
    // the layers is exponential.
    let name = |layer: u32, place: u32| format!("net {layer:03} {place}");
    let net = (0..100).flat_map(|layer| {
        (0..3).map(move |place| {
            let check = Check::new(name(layer, place), async || true);
            if layer == 0 {
                check
            } else {
                check.depends_on((0..3).map(|place| name(layer - 1, place)))
            }
        })
    });
    let report = built(chain.chain(net)).report().await;
    assert!(report.results.iter().all(|result| result.passed));
}

#[tokio::test(start_paused = true)]
async fn a_blocked_result_is_neither_stale_nor_cached() {
    let dns = Lever::default();
    let health = built([
        dns.check("dns"),
        Lever::default().check("api").depends_on(["dns"]),
    ]);
    health.report().await;
    dns.fail();
    for _ in 0..2 {
        advance(30 * SECOND).await;
        let report = health.report().await;
        let result = of(&report, "api");
        assert_eq!(result.output, "blocked by dns");
        assert_eq!((result.stale, result.age, result.expires), (false, None, None));
    }
}

/// Returns a health check with three checks. The second check depends on the first, and the third depends on the
/// second. The library sorts checks by name, so `names` also sets their order in the registry.
///
/// Also returns a `Lever` for each check. With a `Lever`, a test sets the next outcome of the check.
fn chain(names: [&str; 3]) -> ([Lever; 3], HealthCheck) {
    let levers: [Lever; 3] = Default::default();
    let [root, middle, last] = &levers;
    let health = built([
        root.check(names[0]),
        middle.check(names[1]).depends_on([names[0]]),
        last.check(names[2]).depends_on([names[1]]),
    ]);
    (levers, health)
}

#[tokio::test(start_paused = true)]
async fn whoever_depends_on_something_by_way_of_another_recovers_in_the_same_answer() {
    for names in [["a", "b", "c"], ["c", "b", "a"]] {
        for selection in [Selection::all(), Selection::checks([names[2]])] {
            let ([root, ..], health) = chain(names);
            root.fail();
            health.report().await;
            root.pass();
            advance(10 * SECOND).await;
            let report = health.report_for(&selection).await.unwrap();
            assert!(
                report.results.iter().all(|result| result.output == "fine"),
                "{names:?}: {report:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pass_of_an_hour_ago_is_not_told_after_the_root_of_a_chain_has_recovered() {
    let ([root, _, last], health) = chain(["a", "b", "c"]);
    health.report().await;
    root.fail();
    advance(60 * SECOND).await;
    health.report().await;
    advance(3_600 * SECOND).await;
    root.pass();
    last.fail();
    let report = health.report_for(&Selection::checks(["c"])).await.unwrap();
    assert_eq!(of(&report, "c").output, "broken");
}
