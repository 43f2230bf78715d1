//! Tests the redaction with a corpus of cases. Each case has a value, which the test passes through the environment
//! page of a real process, through a section, or through a check that returns, fails and panics.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod cases;
mod passages;

use serde_json::Value;

use crate::cases::{Case, Corpus, Place};

/// Each case has a value, and is meant for certain outputs, such as the environment page. This function sends the value
/// through each of these outputs.
///
/// Returns one entry for each case and output: the case, the name of the output, and the value that the output shows.
async fn shown(cases: &[Case]) -> Vec<(&Case, &'static str, Value)> {
    let of = |place| {
        cases
            .iter()
            .filter(move |case| case.place == place)
            .collect::<Vec<_>>()
    };
    let mut shown = passages::variables(&of(Place::Env));
    shown.extend(passages::arguments(&of(Place::Argv)));
    shown.extend(passages::sections(&of(Place::Section)).await);
    shown.extend(passages::outputs(&of(Place::CheckOutput)).await);
    shown
}

/// Returns the percentage of cases for which `holds` returns false for at least one output. Prints these cases.
async fn failing(word: &str, cases: &[Case], holds: impl Fn(&Case, &Value) -> bool) -> f64 {
    let shown = shown(cases).await;
    assert!(shown.len() >= cases.len(), "every case has a passage");
    let mut failing: Vec<&str> = Vec::new();
    for (case, passage, value) in shown {
        if !holds(case, &value) {
            println!("{word} {} ({passage}) {}: {value}", case.id, case.name);
            failing.push(&case.id);
        }
    }
    failing.sort_unstable();
    failing.dedup();
    100.0 * failing.len() as f64 / cases.len() as f64
}

#[tokio::test]
async fn at_least_99_and_a_half_percent_is_hidden_and_at_most_half_a_percent_destroyed() {
    // Some checks panic with a secret. This hook redacts the panics that the test prints.
    healthcheck::install_panic_hook();
    let corpus = Corpus::read();
    let seen = failing("SEEN", &corpus.must_hide, Case::is_hidden_in).await;
    let destroyed = failing("DESTROYED", &corpus.must_show, Case::is_whole_in).await;
    println!(
        "hidden {:.1} % of {}, destroyed {destroyed:.1} % of {}",
        100.0 - seen,
        corpus.must_hide.len(),
        corpus.must_show.len()
    );
    assert!(seen <= 0.5, "{seen:.1} % of the secrets are seen");
    assert!(
        destroyed <= 0.5,
        "{destroyed:.1} % of the ordinary values are destroyed"
    );
}

#[tokio::test]
async fn what_py_healthcheck_hides_is_hidden() {
    let cases = Corpus::read().seed_hides;
    let failing = failing("SEEN", &cases, |_, shown| shown == "********").await;
    assert!(failing == 0.0, "{failing:.1} %");
}
