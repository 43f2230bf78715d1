//! What registrations cost before anybody asks: before `main`, and when they are discovered and validated.
//!
//! `cargo bench -p healthcheck-benches --bench start` (builds four binaries first)
//!
//! The binaries hold no registration, 1,000 of checks, 10,000 of checks, and 10,000 of a bare name, which is what
//! `inventory` costs by itself. Each reads its processor time as `main` begins and the time of
//! `HealthCheck::discover()`; they are started in turn, 61 times each. The cost before `main` is that of a binary less
//! that of the empty one, for one registration: its record is loaded, relocated and linked. Discovery is the median
//! time; ten times as many may take fifteen times as long, since they are sorted and fit no cache.

use std::fmt::Write as _;
use std::process::Command;

use healthcheck_benches::generated::Package;
use healthcheck_benches::pairs::{Pairs, median};
use healthcheck_benches::{Result, figure};

const ROUNDS: usize = 61;
const COUNTS: [(&str, u32); 3] = [("none", 0), ("thousand", 1_000), ("ten_thousand", 10_000)];

fn main() -> Result {
    figure::heading("At start");
    let dependencies = "healthcheck = { path = \"{workspace}/healthcheck\" }\n\
        rustix = { version = \"1\", default-features = false, features = [\"std\", \"time\"] }\n";
    let paths = COUNTS.map(|(name, _)| format!("src/bin/{name}.rs"));
    let sources: Vec<(&str, String)> = paths
        .iter()
        .map(String::as_str)
        .zip(COUNTS.map(|(_, count)| source(count)))
        .collect();
    let package = Package::write("start", dependencies, &sources)?;
    package.build()?;

    let run = |name: &str| -> Result<[f64; 2]> {
        let output = Command::new(package.binary(name)).output()?;
        let text = String::from_utf8(output.stdout)?;
        let mut numbers = text.split_whitespace().map(str::parse::<f64>);
        let mut next = || -> Result<f64> { Ok(numbers.next().ok_or("a binary that says nothing")??) };
        Ok([next()?, next()?])
    };
    let mut before_main = Pairs::default();
    let (mut thousand, mut ten_thousand) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let [none, _] = run("none")?;
        let [_, small] = run("thousand")?;
        let [all, large] = run("ten_thousand")?;
        before_main.push(all, none);
        thousand.push(small);
        ten_thousand.push(large);
    }
    let (thousand, ten_thousand) = (median(thousand), median(ten_thousand));
    figure::at_most(
        "a registration before main, over an empty binary",
        before_main.difference() / 1e4,
        100.0,
        "ns",
    );
    figure::at_most(
        "discovery and validation of 10,000",
        ten_thousand / 1e6,
        10.0,
        "ms",
    );
    figure::at_most("the same, of what 1,000 take", ten_thousand / thousand, 12.0, "×");
    Ok(())
}

/// A program with that many registrations, which all name one function.
fn source(count: u32) -> String {
    let mut source = String::from(
        "use healthcheck::__private::*;\n\
         fn run() -> BoxFuture { Box::pin(async { IntoOutcome::into_outcome(true) }) }\n\
         fn main() {\n\
             let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);\n\
             let began = std::time::Instant::now();\n\
             let health = healthcheck::HealthCheck::discover();\n\
             let took = began.elapsed();\n\
             println!(\"{} {}\", cpu.tv_sec as i128 * 1_000_000_000 + cpu.tv_nsec as i128, took.as_nanos());\n\
             drop(health);\n\
         }\n",
    );
    for number in 0..count {
        let _ = writeln!(
            source,
            "inventory::submit! {{ CheckRegistration {{ name: \"check_{number:05}\", description: \"It works.\", \
             origin: Origin {{ module: module_path!(), file: file!(), line: line!(), \
             package: (option_env!(\"CARGO_PKG_NAME\"), option_env!(\"CARGO_PKG_VERSION\")) }}, \
             options: RegisteredOptions::DEFAULT, bind: Bind::Async(run) }} }}"
        );
    }
    source
}
