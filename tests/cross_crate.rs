//! Tests checks that are defined in another crate. Rust links that crate only if a path in this crate's code names it.
//!
//! The option `crate = path` tells the attributes where to find `healthcheck`. In this file, the path is the other
//! crate's re-export of `healthcheck`.

use healthcheck_tests_plugin::runtime::{HealthCheck, Overall, env_section, health_check};

#[health_check(crate = healthcheck_tests_plugin::runtime)]
async fn through_a_framework() -> bool {
    true
}

#[env_section(name = "framework", crate = ::healthcheck_tests_plugin::runtime)]
fn through_a_framework_too() -> u8 {
    1
}

mod framework {
    pub use healthcheck_tests_plugin::runtime;
}

#[health_check(crate = crate::framework::runtime)]
fn through_a_module(_: &u8) {}

#[health_check(crate = self::framework::runtime)]
fn relative() {}

#[tokio::test]
async fn checks_of_all_linked_crates_are_found() -> Result<(), Box<dyn std::error::Error>> {
    let health = HealthCheck::builder().provide(1_u8).build()?;
    let names: Vec<String> = health.checks().map(|check| check.name().to_owned()).collect();
    assert_eq!(
        names,
        ["plugin", "relative", "through_a_framework", "through_a_module"]
    );
    let module = health.checks().next().map(|check| check.module().to_owned());
    assert_eq!(module.as_deref(), Some("healthcheck_tests_plugin"));
    assert_eq!(health.report().await.status, Overall::Success);
    let page = health.environment().build()?.collect().await;
    assert_eq!(page["plugin_section"], "linked");
    assert_eq!(page["framework"], 1);
    Ok(())
}
