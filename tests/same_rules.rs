//! The attributes reject at compile time the same options that the library rejects at build time. A macro crate can't
//! depend on the library, so both crates contain a copy of the file with the rules. Each has its own table of options.

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
    // Only the attribute has the options `crate` and `name`. Only the settings have `enabled`, and the two texts that
    // the attribute takes from the doc comment.
    assert_eq!(missing, ["crate", "name"]);
    assert_eq!(more, ["description", "enabled", "when_it_fails"]);
}

/// Returns the keys that the error message for an unknown key lists.
fn keys(message: &str) -> BTreeSet<String> {
    let (_, listed) = message.split_once("expected one of ").expect("a list");
    let listed = listed.lines().next().expect("one line");
    listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
