//! The attributes reject the code in `ui/refused` with the recorded messages of the compiler. They accept the unusual
//! code in `ui/accepted`.
//!
//! `TRYBUILD=overwrite cargo test --test ui` records the messages again. Then read each message in `git diff`: each
//! mistake has to cause one error, with the caret under the wrong token and a text that says what to write instead.

/// The recorded messages come from the compiler in `rust-toolchain.toml`. Other versions word some of them differently.
#[rustversion::attr(
    not(stable(1.95)),
    ignore = "the messages were recorded with the pinned toolchain"
)]
#[test]
fn every_mistake_is_refused_where_it_stands() {
    trybuild::TestCases::new().compile_fail("ui/refused/*.rs");
}

#[test]
fn odd_but_legal_functions_are_accepted() {
    trybuild::TestCases::new().pass("ui/accepted/*.rs");
}
