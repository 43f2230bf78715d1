//! Measures what registered checks cost when a program starts: before `main`, and in `HealthCheck::discover()`.
//!
//! `cargo bench -p healthcheck-benches --bench start` builds four binaries, and then runs this bench.
//!
//! One binary registers no checks, the second 1,000, and the third 10,000. The fourth binary registers 10,000 bare
//! names instead of checks. It shows the cost of the crate `inventory` itself.
//!
//! Each binary prints the processor time that it has used before `main`, and the duration of `HealthCheck::discover()`.
//! The bench starts the four binaries in turn, each 61 times.
//!
//! Before `main`, the program loads and relocates all registrations, and `inventory` links them into a list. The bench
//! calculates the cost of one registration: it subtracts the processor time with no registrations from the time with
//! 10,000, and divides the difference by 10,000.
//!
//! The discovery of 10,000 checks may take fifteen times as long as that of 1,000 checks. This limit is more than ten
//! times, because the library sorts the checks, and because 10,000 checks don't fit into the processor's cache.

use std::fmt::Write as _;
use std::process::Command;

use healthcheck_benches::generated::Package;
use healthcheck_benches::pairs::{Pairs, median};
use healthcheck_benches::{Result, figure};

const ROUNDS: usize = 61;
const MANY: u32 = 10_000;

fn main() -> Result {
    figure::heading("At start");
    let dependencies = "healthcheck = { path = \"{workspace}/healthcheck\" }\n\
        rustix = { version = \"1\", default-features = false, features = [\"std\", \"time\"] }\n";
    let sources = [
        ("src/bin/none.rs", program(0, check)),
        ("src/bin/thousand.rs", program(MANY / 10, check)),
        ("src/bin/many.rs", program(MANY, check)),
        ("src/bin/bare.rs", program(MANY, bare)),
    ];
    let package = Package::write("start", dependencies, &sources)?;
    package.build()?;

    let (mut checks, mut bares) = (Pairs::default(), Pairs::default());
    let (mut thousand, mut many) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let none = Started::of(&package, "none")?;
        let all = Started::of(&package, "many")?;
        checks.push(all.before_main, none.before_main);
        bares.push(Started::of(&package, "bare")?.before_main, none.before_main);
        thousand.push(Started::of(&package, "thousand")?.discovery);
        many.push(all.discovery);
    }
    let each = |pairs: &Pairs| pairs.difference() / f64::from(MANY);
    figure::at_most(
        "a registration before main, over an empty binary",
        each(&checks),
        100.0,
        "ns",
    );
    figure::note(format_args!("a bare name: {:.0} ns", each(&bares)));
    let (thousand, many) = (median(thousand), median(many));
    figure::at_most("discovery and validation of 10,000", many / 1e6, 10.0, "ms");
    figure::at_most("the same, of what 1,000 take", many / thousand, 15.0, "×");
    Ok(())
}

/// The two times that a binary has printed, in nanoseconds.
struct Started {
    before_main: f64,
    discovery: f64,
}

impl Started {
    fn of(package: &Package, name: &str) -> Result<Self> {
        let output = Command::new(package.binary(name)).output()?;
        let text = String::from_utf8(output.stdout)?;
        let mut numbers = text.split_whitespace().map(str::parse::<f64>);
        let mut next = || -> Result<f64> { Ok(numbers.next().ok_or("a binary that says nothing")??) };
        Ok(Self {
            before_main: next()?,
            discovery: next()?,
        })
    }
}

/// Returns the source of a program that contains as many registrations as `count` says.
fn program(count: u32, registration: impl Fn(u32) -> String) -> String {
    let mut source = String::from(
        "#![allow(unused)]\n\
         use healthcheck::__private::*;\n\
         struct Bare(&'static str);\n\
         inventory::collect!(Bare);\n\
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
        let _ = writeln!(source, "inventory::submit! {{ {} }}", registration(number));
    }
    source
}

fn check(number: u32) -> String {
    format!(
        "RegisteredCheck(|| CheckRegistration {{ name: \"check_{number:05}\", description: \"It works.\", \
         origin: Origin {{ module: module_path!(), file: file!(), line: line!(), \
         package: (option_env!(\"CARGO_PKG_NAME\"), option_env!(\"CARGO_PKG_VERSION\")) }}, \
         options: options(&[]), bind: Bind::Async(run) }})"
    )
}

fn bare(number: u32) -> String {
    format!("Bare(\"check_{number:05}\")")
}
