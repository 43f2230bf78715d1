//! Tests the messages of the compiler for wrong uses of the attributes. The code in `ui/refused` must cause exactly the
//! recorded messages, and the unusual code in `ui/accepted` must compile.
//!
//! `TRYBUILD=overwrite cargo test --test ui` records the messages again. Afterwards, read the changed messages in `git
//! diff`. Each mistake in the code has to cause exactly one error. This error has to point at the wrong token, and say
//! what to write instead.

/// Compares the recorded messages, which come from the compiler version in `rust-toolchain.toml`. Other compiler
/// versions use other words in some messages.
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
