//! The world, driven by hand-made time: random lives against a plain model, and one test for each rule that a random
//! life wouldn't name.

mod lives;
mod model;
#[cfg(not(miri))] // minutes there, and nothing that Miri could find
mod nets;
mod rules;
mod stage;
