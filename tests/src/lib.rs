//! What needs a whole binary is tested beside this file; here the README's programs are compiled.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
