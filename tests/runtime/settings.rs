//! Tests settings, which change the options of checks at deployment. Settings take precedence over the options in the
//! code.

use std::time::Duration;

use healthcheck::{Check, HealthCheckBuilder, Overall, Selection, Settings};
use serde_json::json;

use crate::support::{Lever, by_hand, of};

fn settings(value: serde_json::Value) -> Settings {
    serde_json::from_value(value).expect("readable settings")
}

fn fleet() -> HealthCheckBuilder {
    by_hand()
        .check(Check::new("api", async || true).depends_on(["dns"]).tags(["far"]))
        .check(Check::new("dns", async || true))
        .check(Check::new("redis", async || false).tags(["far"]))
}

#[test]
fn every_option_can_be_overridden() {
    let all = json!({ "checks": { "redis": {
        "enabled": true, "description": "d", "liveness": true, "readiness": true, "startup": true, "tags": ["t"],
        "critical": false, "external": false, "timeout": "500ms", "success_ttl": "1m 30s", "failed_ttl": "none",
        "failure_threshold": 3, "success_threshold": 2, "depends_on": ["dns"]
    }, "dns": { "interval": "10s", "initial_delay": "1s" } } });
    let health = fleet().settings(settings(all)).build().unwrap();
    let infos: Vec<_> = health.checks().collect();
    let redis = infos[2].options();
    assert!(redis.liveness && redis.readiness && redis.startup && !redis.critical && !redis.external);
    assert_eq!(infos[2].description(), Some("d"));
    assert_eq!(redis.timeout, Some(Some(Duration::from_millis(500))));
    assert_eq!(redis.success_ttl, Some(Some(Duration::from_secs(90))));
    assert_eq!(redis.failed_ttl, Some(None));
    assert_eq!((redis.failure_threshold, redis.success_threshold), (3, 2));
    assert_eq!(
        (&*redis.tags, &*redis.depends_on),
        (&["t".into()][..], &["dns".into()][..])
    );
    assert_eq!(infos[1].options().interval, Some(Duration::from_secs(10)));
    assert_eq!(infos[1].options().initial_delay, Some(Duration::from_secs(1)));
}

#[tokio::test]
async fn a_disabled_check_is_absent_satisfies_expect_and_what_depends_on_it_runs() {
    let set = settings(json!({ "checks": { "dns": { "enabled": false }, "redis": { "enabled": false } } }));
    let health = fleet().settings(set).expect(["dns"]).build().unwrap();
    let report = health.report().await;
    assert_eq!((report.status, report.results.len()), (Overall::Success, 1));
    assert_eq!(
        report.warnings,
        ["the check `api` runs without `dns`, which is disabled"]
    );
}

#[test]
fn a_whole_tag_can_be_disabled_and_one_of_its_checks_kept() {
    let set = json!({ "tags": { "far": { "enabled": false } }, "checks": { "api": { "enabled": true } } });
    let health = fleet().settings(settings(set)).build().unwrap();
    let names: Vec<_> = health.checks().map(|info| info.name().to_owned()).collect();
    assert_eq!(names, ["api", "dns"]);
}

#[tokio::test]
async fn a_check_can_be_taken_out_of_a_running_service_and_a_warning_added_to_its_reports() {
    let health = fleet().build().unwrap();
    assert_eq!(health.disable(["redis", "rediss"]), ["rediss"]);
    for _ in 0..2 {
        health.add_warning("there is no check `rediss` to disable");
    }
    let report = health.report().await;
    assert_eq!(report.results.len(), 2);
    assert_eq!(report.warnings, ["there is no check `rediss` to disable"]);
}

#[test]
fn bad_settings_are_told_all_at_once() {
    let set = json!({
        "timeout": "0s", "success_ttl": "5 parsecs", "tags": { "nobody": { "enabled": false } },
        "checks": {
            "rediss": {}, "redis": { "timeout": "0ms", "failure_threshold": 0, "depends_on": ["x"], "interval": "soon" },
            "api": { "liveness": true }, "dns": { "external": true }
        }
    });
    let error = fleet().settings(settings(set)).build().unwrap_err();
    let told = error.to_string();
    for part in [
        "there is no check `rediss`",
        "no check has the tag `nobody`",
        "settings: `success_ttl`: `5 parsecs` is not a duration; write for example \"250ms\"",
        "settings: `checks.redis.interval`: `soon`",
        "the time limit of all checks is zero",
        "the check `redis`",
        "failure threshold is 0",
        "depends on `x`",
        "`api` → `dns`",
    ] {
        assert!(told.contains(part), "{part:?} is missing in:\n{told}");
    }
}

#[test]
fn an_unknown_key_is_refused_while_reading() {
    for bad in [
        json!({ "timeot": "1s" }),
        json!({ "checks": { "a": { "ttl": "1s" } } }),
    ] {
        assert!(
            serde_json::from_value::<Settings>(bad)
                .unwrap_err()
                .to_string()
                .contains("unknown field")
        );
    }
}

#[tokio::test]
async fn unknown_checks_can_be_a_warning_for_one_configuration_of_two_releases() {
    let set = settings(json!({ "unknown_checks": "warn", "checks": { "next": { "critical": false } } }));
    let report = fleet().settings(set).build().unwrap().report().await;
    assert_eq!(
        report.warnings,
        ["settings: there is no check `next`; the checks are: api, dns, redis"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_ttl_from_the_settings_holds_on_probes_too() {
    let lever = Lever::default();
    let health = by_hand()
        .check(lever.check("a"))
        .settings(settings(json!({ "success_ttl": "1h" })))
        .build()
        .unwrap();
    let probe = healthcheck::Selection::readiness().max_age(Duration::from_secs(5), Duration::from_secs(2));
    health.report_for(&probe).await.unwrap();
    tokio::time::advance(Duration::from_secs(60)).await;
    let report = health.report_for(&probe).await.unwrap();
    assert_eq!(lever.runs(), 1);
    let result = of(&report, "a");
    assert!((result.expires.unwrap() - result.timestamp.unwrap() - 3_600.0).abs() < 0.001);
}

#[tokio::test]
async fn a_check_that_the_settings_take_out_of_its_probe_stands_in_the_whole_alone() {
    let fleet = || {
        by_hand()
            .check(Check::new("redis", async || false))
            .check(Check::new("dead", async || false).liveness())
    };
    let set = json!({ "checks": { "redis": { "readiness": false }, "dead": { "liveness": false } } });
    let health = fleet().settings(settings(set)).build().unwrap();
    for probe in [
        Selection::readiness(),
        Selection::liveness(),
        Selection::startup(),
    ] {
        let report = health.report_for(&probe).await.unwrap();
        assert!(report.results.is_empty(), "{report:?}");
    }
    assert_eq!(health.report().await.results.len(), 2);

    // The code names no probe for the check `redis`, so `redis` is a readiness check by default. If the settings name a
    // probe, the default doesn't apply.
    let set = json!({ "checks": { "redis": { "startup": true } } });
    let health = fleet().settings(settings(set)).build().unwrap();
    let redis = health.checks().find(|check| check.name() == "redis").unwrap();
    assert!(redis.options().startup && !redis.options().readiness);
}

#[test]
fn a_tag_is_disabled_by_the_tags_that_the_settings_give() {
    let set = json!({
        "tags": { "far": { "enabled": false } },
        "checks": { "redis": { "tags": ["mine"] }, "dns": { "tags": ["far"] } },
    });
    let health = fleet().settings(settings(set)).build().unwrap();
    let names: Vec<_> = health.checks().map(|check| check.name().to_owned()).collect();
    assert_eq!(names, ["redis"]);
}

#[test]
fn an_interval_from_the_settings_takes_the_place_of_the_codes_ttl_and_not_of_their_own() {
    let fleet = || by_hand().check(Check::new("a", async || true).success_ttl(Duration::from_secs(3)));
    let set = json!({ "checks": { "a": { "interval": "10s" } } });
    let health = fleet().settings(settings(set)).build().unwrap();
    assert_eq!(health.checks().next().unwrap().options().success_ttl, None);
    let set = json!({ "checks": { "a": { "interval": "10s", "failed_ttl": "3s" } } });
    let error = fleet().settings(settings(set)).build().unwrap_err();
    assert!(error.to_string().contains("a TTL beside its interval"), "{error}");
}

#[test]
fn what_a_person_reads_beside_a_failure_can_be_set_and_hides_secrets() {
    let set = json!({ "checks": { "redis": {
        "fail_after": "1m", "owner": "the cache team", "runbook": "https://runbooks.example/redis?token=8h3kd92ksl1",
        "when_it_fails": "Wait.\nThen restart it."
    }, "dns": { "fail_after": "none" } } });
    let builder = fleet().check(Check::new("web", async || true).fail_after(Duration::from_secs(1)));
    let health = builder.settings(settings(set)).build().unwrap();
    let infos: Vec<_> = health.checks().collect();
    let redis = infos[2].options();
    assert_eq!(redis.fail_after, Some(Duration::from_secs(60)));
    assert_eq!(redis.owner(), Some("the cache team"));
    assert_eq!(
        redis.runbook(),
        Some("https://runbooks.example/redis?token=********")
    );
    assert_eq!(redis.when_it_fails(), Some("Wait.\nThen restart it."));
    assert_eq!(infos[1].options().fail_after, None);
    assert_eq!(infos[3].options().fail_after, Some(Duration::from_secs(1)));
}

#[test]
fn a_bad_value_is_reported_with_its_key_and_what_was_expected() {
    let set = json!({
        "timeout": 5, "longest_output": "many", "unknown_checks": "ignore", "tags": { "far": { "enabled": 1 } },
        "checks": { "redis": {
            "enabled": "maybe", "description": ["d"], "critical": "no", "timeout": 5, "success_ttl": true,
            "failed_ttl": { "seconds": 5 }, "failure_threshold": -1, "success_threshold": "two", "tags": 7,
            "depends_on": [["dns"]], "fail_after": "5", "owner": {}
        } }
    });
    let error = fleet().settings(settings(set)).build().unwrap_err();
    assert_eq!(
        error.problems(),
        [
            r#"settings: `longest_output`: expected a number of bytes, found "many""#,
            r#"settings: `unknown_checks`: expected "error" or "warn", found "ignore""#,
            r#"settings: `tags.far.enabled`: expected true or false, found 1"#,
            r#"settings: `timeout`: expected a duration like "5s", found 5"#,
            r#"settings: `checks.redis.enabled`: expected true or false, found "maybe""#,
            r#"settings: `checks.redis.description`: expected a text, found a list"#,
            r#"settings: `checks.redis.tags`: expected a list of texts, found 7"#,
            r#"settings: `checks.redis.critical`: expected true or false, found "no""#,
            r#"settings: `checks.redis.timeout`: expected a duration like "5s", found 5"#,
            r#"settings: `checks.redis.success_ttl`: expected a duration like "5s", found true"#,
            r#"settings: `checks.redis.failed_ttl`: expected a duration like "5s", found a table"#,
            r#"settings: `checks.redis.failure_threshold`: expected a whole number like 3, found -1"#,
            r#"settings: `checks.redis.success_threshold`: expected a whole number like 3, found "two""#,
            r#"settings: `checks.redis.fail_after`: `5` is not a duration, it has no unit; write for example "250ms", "2s" or "1m 30s""#,
            r#"settings: `checks.redis.depends_on`: expected texts in the list, found a list"#,
            r#"settings: `checks.redis.owner`: expected a text, found a table"#,
        ]
    );
}

#[test]
fn options_that_no_run_can_keep_are_refused_in_settings_too() {
    let set = json!({ "checks": { "redis": {
        "fail_after": "0s", "owner": " ", "runbook": "https://a\n", "tags": ["a\u{0}"]
    } } });
    let error = fleet().settings(settings(set)).build().unwrap_err();
    let told = error.to_string();
    for part in [
        "its `fail_after` is zero",
        "a tag can't hold a control character",
        "its owner can't be empty",
        "its runbook can't hold a control character",
    ] {
        assert!(told.contains(part), "{part:?} is missing in:\n{told}");
    }
    assert_eq!(error.problems().len(), 4, "{told}");
}

#[test]
fn an_unknown_key_of_a_check_is_refused_with_its_path_and_what_was_meant() {
    let unknown = |key: &str| {
        let set = json!({ "checks": { "redis": { key: "1s" } } });
        serde_json::from_value::<Settings>(set).unwrap_err().to_string()
    };
    for (key, instead) in [
        ("time_out", "did you mean `timeout`?"),
        ("ttl", "did you mean `success_ttl` or `failed_ttl`?"),
        ("enable", "did you mean `enabled`?"),
        ("every", "did you mean `interval`?"),
    ] {
        let told = unknown(key);
        assert!(
            told.starts_with(&format!("unknown field `checks.redis.{key}`, {instead}")),
            "{told}"
        );
    }
    let told = unknown("colour");
    assert!(
        told.starts_with(
            "unknown field `checks.redis.colour`, expected one of `enabled`, `description`, `liveness`, "
        ),
        "{told}"
    );
}

#[test]
fn a_key_that_stands_there_twice_is_refused() {
    let twice = r#"{ "checks": { "redis": { "timeout": "1s", "timeout": "2s" } } }"#;
    let error = serde_json::from_str::<Settings>(twice).unwrap_err();
    assert!(
        error.to_string().starts_with("duplicate field `timeout`"),
        "{error}"
    );
}

#[test]
fn a_loader_may_give_every_value_as_text_and_leave_values_out() {
    let set = json!({
        "longest_output": "100", "timeout": null, "tags": { "nowhere": { "enabled": "true" } }, "unknown_checks": "warn",
        "checks": { "redis": {
            "enabled": "true", "critical": "false", "external": "true", "failure_threshold": "3",
            "tags": "cache, far", "depends_on": "dns", "owner": 7, "success_ttl": null
        }, "dns": { "enabled": null }, "api": { "enabled": "false" } }
    });
    let health = fleet().settings(settings(set)).build().unwrap();
    let infos: Vec<_> = health.checks().collect();
    assert_eq!(infos.len(), 2);
    let redis = infos[1].options();
    assert!(!redis.critical && redis.external);
    assert_eq!((redis.failure_threshold, redis.owner()), (3, Some("7")));
    assert_eq!(*redis.tags, ["cache", "far"]);
    assert_eq!(*redis.depends_on, ["dns"]);
    assert_eq!(redis.success_ttl, None);
}

#[test]
fn a_value_in_the_place_of_a_table_is_refused_with_what_belongs_there() {
    for (set, expected) in [
        (json!(5), "expected the settings of health checks"),
        (
            json!({ "tags": { "far": false } }),
            "expected the settings of a tag, like `{ \"enabled\": false }`",
        ),
        (
            json!({ "checks": ["redis"] }),
            "expected the settings of checks, by their names",
        ),
        (
            json!({ "checks": { "redis": false } }),
            "expected the settings of the check `redis`",
        ),
    ] {
        let told = serde_json::from_value::<Settings>(set).unwrap_err().to_string();
        assert!(told.ends_with(expected), "{told}");
    }
}
