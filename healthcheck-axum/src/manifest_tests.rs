//! Tests that the Kubernetes manifest in `examples/kubernetes` agrees with the default paths and times of this crate.

use std::time::Duration;

use healthcheck::HealthCheck;
use yaml_rust2::{Yaml, YamlLoader};

use crate::endpoints::Endpoints;
use crate::paths::Paths;
use crate::serve::limits::Limits;
use crate::serving::TERMINATION_LOG;

fn pod() -> Yaml {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/kubernetes/deployment.yaml"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let documents = YamlLoader::load_from_str(&text).unwrap();
    documents[0]["spec"]["template"]["spec"].clone()
}

fn container() -> Yaml {
    pod()["containers"][0].clone()
}

fn endpoints() -> Endpoints {
    Endpoints::new(HealthCheck::builder().discover(false).build().unwrap())
}

fn seconds(of: &Yaml, key: &str) -> Duration {
    let given = of[key]
        .as_i64()
        .unwrap_or_else(|| panic!("`{key}` is a number of seconds"));
    Duration::from_secs(u64::try_from(given).unwrap())
}

#[test]
fn the_manifest_probes_the_paths_that_are_served() {
    let container = container();
    let paths = Paths::default();
    for (probe, path) in [
        ("livenessProbe", paths.liveness),
        ("readinessProbe", paths.readiness),
    ] {
        let asked = &container[probe]["httpGet"];
        assert_eq!(asked["path"].as_str(), Some(&*path));
        assert_eq!(asked["port"], container["ports"][0]["name"]);
    }
}

#[test]
fn the_manifest_grants_more_than_the_delay_and_the_drain_together() {
    let health = HealthCheck::builder().discover(false).build().unwrap();
    let needed = health.shutdown_delay() + Limits::default().drain;
    assert!(
        needed < seconds(&pod(), "terminationGracePeriodSeconds"),
        "{needed:?}"
    );
}

#[test]
fn the_manifests_probes_wait_longer_than_an_answer_takes() {
    let budget = endpoints().probe_budget.unwrap();
    for probe in ["livenessProbe", "readinessProbe"] {
        let limit = seconds(&container()[probe], "timeoutSeconds");
        assert!(limit >= budget, "{probe}: {limit:?} for {budget:?}");
    }
}

#[test]
fn the_manifests_probes_never_count_one_result_twice() {
    let (pass, fail) = endpoints().max_age;
    for probe in ["livenessProbe", "readinessProbe"] {
        let period = seconds(&container()[probe], "periodSeconds");
        assert!(period >= pass.max(fail), "{probe}: {period:?}");
        assert!(
            seconds(&container()[probe], "timeoutSeconds") <= period,
            "{probe}"
        );
    }
}

#[test]
fn the_manifests_termination_log_is_ours() {
    assert_eq!(
        container()["terminationMessagePath"].as_str(),
        Some(TERMINATION_LOG)
    );
}
