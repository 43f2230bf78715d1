//! Prints the figures that a bench measures, and the limit of each figure.

#![allow(clippy::print_stdout)]

use std::fmt::Display;

/// Prints a heading.
pub fn heading(text: &str) {
    println!("\n{text}");
}

/// Prints a remark about the figures, such as the method of measurement or the machine.
pub fn note(text: impl Display) {
    println!("  {text}");
}

/// Prints a figure and its upper limit. Returns true if the figure is at most `limit`.
#[allow(clippy::must_use_candidate, reason = "the line is printed either way")]
pub fn at_most(what: &str, measured: f64, limit: f64, unit: &str) -> bool {
    let reached = measured <= limit;
    line(what, measured, "≤", limit, unit, reached);
    reached
}

/// Prints a figure and its lower limit. Returns true if the figure is at least `limit`.
#[allow(clippy::must_use_candidate, reason = "the line is printed either way")]
pub fn at_least(what: &str, measured: f64, limit: f64, unit: &str) -> bool {
    let reached = measured >= limit;
    line(what, measured, "≥", limit, unit, reached);
    reached
}

fn line(what: &str, measured: f64, relation: &str, limit: f64, unit: &str, reached: bool) {
    let verdict = if reached { "reached" } else { "MISSED" };
    println!(
        "  {what:<64} {:>9} {unit}  ({relation} {} {unit}: {verdict})",
        rounded(measured),
        rounded(limit)
    );
}

/// Rounds a figure, because its last digits differ from one run of the bench to the next.
fn rounded(value: f64) -> String {
    let places = match value.abs() {
        0.0..10.0 => 3,
        10.0..100.0 => 2,
        100.0..1_000.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.places$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
