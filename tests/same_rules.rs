//! Tests that the attributes and the library reject the same options. The attributes reject options at compile time.
//! The library rejects options when it builds a health check.
//!
//! A macro crate can't depend on the library. So both crates contain a copy of the file with the rules, and both have a
//! list of options.

use std::collections::BTreeSet;

use healthcheck::Settings;

#[test]
fn attributes_and_runtime_have_the_same_rules() {
    let runtime = include_str!("../healthcheck/src/model/rules.rs");
    let attributes = include_str!("../healthcheck-macros/src/rules.rs");
    assert!(
        runtime == attributes,
        "copy the one that you changed over the other: healthcheck/src/model/rules.rs, healthcheck-macros/src/rules.rs"
    );
}

#[test]
fn the_settings_set_every_option_of_the_attribute() {
    let attribute = keys(include_str!("ui/refused/unknown_option.stderr"));
    let unknown = r#"{ "checks": { "redis": { "colour": "red" } } }"#;
    let error = serde_json::from_str::<Settings>(unknown).expect_err("an unknown key");
    let settings = keys(&error.to_string());
    let missing: Vec<_> = attribute.difference(&settings).map(String::as_str).collect();
    let more: Vec<_> = settings.difference(&attribute).map(String::as_str).collect();
    // The options `crate` and `name` exist only in the attribute. `enabled` exists only in the settings. The settings
    // also have `description` and `when_it_fails`, which the attribute takes from the doc comment.
    assert_eq!(missing, ["crate", "name"]);
    assert_eq!(more, ["description", "enabled", "when_it_fails"]);
}

/// Returns the keys that this error message suggests instead of an unknown key.
fn keys(message: &str) -> BTreeSet<String> {
    let (_, listed) = message.split_once("expected one of ").expect("a list");
    let listed = listed.lines().next().expect("one line");
    listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
