//! The attributes refuse while compiling what the runtime refuses at build. A crate of macros can't depend on the runtime,
//! so the rules are one file that stands in both.

#[test]
fn attributes_and_runtime_have_the_same_rules() {
    let runtime = include_str!("../healthcheck/src/model/rules.rs");
    let attributes = include_str!("../healthcheck-macros/src/rules.rs");
    assert!(
        runtime == attributes,
        "copy the one that you changed over the other: healthcheck/src/model/rules.rs, healthcheck-macros/src/rules.rs"
    );
}
