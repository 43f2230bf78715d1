//! Tests of the world with simulated time. `lives` compares random sequences of events with a plain model. `rules` has
//! one test for each rule.

mod lives;
mod model;
#[cfg(not(miri))] // takes minutes under Miri, and has nothing that Miri could find
mod nets;
mod rules;
mod stage;
