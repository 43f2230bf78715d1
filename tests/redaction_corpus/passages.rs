//! Passes values through the outputs of a process, such as the environment page and the health report. Each function
//! uses an output in the same way as a real program does.

use std::process::Command;

use healthcheck::{Check, EnvironmentDump, EnvironmentDumpBuilder, HealthCheck, HealthCheckBuilder};
use serde_json::Value;

use crate::cases::Case;

type Shown<'a> = Vec<(&'a Case, &'static str, Value)>;

/// Runs a program that prints its environment section `process` as JSON. Returns this section.
fn dumped(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn process() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dumped"));
    command.env_clear();
    command
}

/// Divides the cases into batches. Within a batch, no two cases have the same name.
fn batches<'a>(cases: &[&'a Case]) -> Vec<Vec<&'a Case>> {
    let mut batches: Vec<Vec<&Case>> = Vec::new();
    for &case in cases {
        let is_free = |batch: &&mut Vec<&Case>| batch.iter().all(|other| other.name != case.name);
        match batches.iter_mut().find(is_free) {
            Some(batch) => batch.push(case),
            None => batches.push(vec![case]),
        }
    }
    batches
}

/// Starts processes with the values of the cases as environment variables. Returns what each process shows for these
/// variables.
pub fn variables<'a>(cases: &[&'a Case]) -> Shown<'a> {
    let mut shown = Vec::new();
    for batch in batches(cases) {
        let mut command = process();
        command.envs(batch.iter().map(|case| (&case.name, case.text())));
        let section = dumped(&mut command);
        shown.extend(
            batch
                .iter()
                .map(|case| (*case, "variable", section["environ"][&case.name].clone())),
        );
    }
    shown
}

/// Starts one process for each case, with the value of the case as its command line. Returns the command lines that the
/// processes show.
pub fn arguments<'a>(cases: &[&'a Case]) -> Shown<'a> {
    let argv = |case: &Case| {
        let mut command = process();
        let arguments = case.arguments();
        let (name, others) = arguments.split_first().unwrap();
        #[cfg(unix)]
        std::os::unix::process::CommandExt::arg0(&mut command, name);
        let mut argv = dumped(command.args(others))["argv"].take();
        if cfg!(not(unix)) {
            argv[0] = Value::from(name.as_str());
        }
        argv
    };
    cases
        .iter()
        .map(|case| (*case, "arguments", argv(case)))
        .collect()
}

/// Uses the value of each case as a section of the environment page and as a section of the health report. For each
/// case, returns two values: the section as the page shows it, and the section as the report shows it.
pub async fn sections<'a>(cases: &[&'a Case]) -> Shown<'a> {
    let mut shown = Vec::new();
    for batch in batches(cases) {
        let dump = batch
            .iter()
            .fold(EnvironmentDump::builder().discover(false), |builder, case| {
                EnvironmentDumpBuilder::section(builder, &case.name, &case.value)
            });
        let dump = dump.build().unwrap().collect().await;
        let health = batch
            .iter()
            .fold(HealthCheck::builder().discover(false), |builder, case| {
                HealthCheckBuilder::section(builder, &case.name, &case.value)
            });
        let report = health.build().unwrap().report().await;
        for case in batch {
            shown.push((case, "section of the environment", dump[&case.name].clone()));
            shown.push((
                case,
                "section of the health body",
                report.sections[&case.name].clone(),
            ));
        }
    }
    shown
}

/// Uses the value of each case as the output of checks that return, fail or panic. Returns the outputs that the report
/// shows.
pub async fn outputs<'a>(cases: &[&'a Case]) -> Shown<'a> {
    let health = cases
        .iter()
        .fold(HealthCheck::builder().discover(false), |builder, case| {
            let returned = case.text();
            let (failed, panicked) = (returned.clone(), returned.clone());
            builder
                .check(Check::blocking(format!("{} returns", case.id), move || {
                    returned.clone()
                }))
                .check(Check::blocking(format!("{} fails", case.id), move || {
                    Err::<(), String>(failed.clone())
                }))
                .check(Check::blocking(format!("{} panics", case.id), move || {
                    if true {
                        panic!("{panicked}");
                    }
                }))
        });
    let report = health.build().unwrap().report().await;
    let output = |case: &Case, way: &str| {
        let name = format!("{} {way}", case.id);
        let result = report
            .results
            .iter()
            .find(|result| result.checker == name)
            .unwrap();
        result.output.clone()
    };
    let mut shown = Vec::new();
    for &case in cases {
        shown.push((case, "output", output(case, "returns")));
        shown.push((case, "error", output(case, "fails")));
        shown.push((case, "panic", without_prefix(output(case, "panics"))));
    }
    shown
}

/// Removes the prefix `panicked: `, with which the library marks the output of a check that panicked.
fn without_prefix(output: Value) -> Value {
    let text = output.as_str().unwrap();
    Value::from(text.strip_prefix("panicked: ").unwrap_or(text))
}
