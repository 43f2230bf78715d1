//! Tests of the `World` with simulated time. The module `lives` compares random sequences of events with a plain model.
//! The module `rules` has at least one test for each rule.

mod lives;
mod model;
#[cfg(not(miri))] // takes minutes under Miri, and has nothing that Miri could find
mod nets;
mod rules;
mod stage;
