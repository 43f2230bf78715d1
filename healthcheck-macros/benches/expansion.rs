//! Measures what one annotated check costs in compile time and in binary size, compared with a check whose registration
//! is written by hand.
//!
//! Run the bench with `cargo bench -p healthcheck-macros --bench expansion`. It generates three crates: one without
//! checks, one with 1,000 checks registered by hand, and one with 1,000 annotated checks. It builds each crate several
//! times and takes the median time.
//!
//! The cost of one check is the difference between a crate with checks and the crate without checks, divided by 1,000.
//!
//! An annotated check should take at most 1.5 times the compile time of a check registered by hand, and should add at
//! most 1,500 bytes to the binary. The output shows these targets.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs};

const CHECKS: u32 = 1_000;
const ROUNDS: usize = 3;
const KINDS: [&str; 3] = ["none", "by-hand", "annotated"];
const MODES: [(&str, &[&str]); 3] = [
    ("check", &["check"]),
    ("dev", &["build"]),
    ("release", &["build", "--release"]),
];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let root = env::temp_dir().join("healthcheck-expansion");
    for kind in KINDS {
        generate(&root, kind)?;
    }
    for (mode, arguments) in MODES {
        let mut times: [Vec<Duration>; 3] = Default::default();
        // The first round (0) also builds the dependencies, so the median leaves out its time.
        for round in 0..=ROUNDS {
            for (kind, times) in KINDS.iter().zip(&mut times) {
                let time = build(&root, kind, arguments)?;
                if round > 0 {
                    times.push(time);
                }
            }
        }
        let [none, by_hand, annotated] = times.map(median);
        let by_hand = by_hand.saturating_sub(none).as_secs_f64() * 1e3 / f64::from(CHECKS);
        let annotated = annotated.saturating_sub(none).as_secs_f64() * 1e3 / f64::from(CHECKS);
        let ratio = annotated / by_hand;
        println!("{mode:8} {by_hand:6.2} ms by hand, {annotated:6.2} ms annotated, {ratio:.2} × (≤ 1.5 ×)");
    }
    let [none, by_hand, annotated] = KINDS.map(|kind| size(&root, kind));
    let (none, by_hand, annotated) = (none?, by_hand?, annotated?);
    let each = |size: u64| size.saturating_sub(none) / u64::from(CHECKS);
    println!(
        "binary   {} bytes by hand, {} bytes annotated (≤ 1500)",
        each(by_hand),
        each(annotated)
    );
    Ok(())
}

fn generate(root: &Path, kind: &str) -> Result<()> {
    let package = root.join(kind);
    fs::create_dir_all(package.join("src"))?;
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("healthcheck");
    let manifest = format!(
        "[package]\nname = \"{kind}\"\nedition = \"2024\"\n\n[dependencies]\nhealthcheck = {{ path = {runtime:?} }}\n\n\
         [profile.dev]\nincremental = false\n\n[profile.release]\nstrip = true\n\n[workspace]\n"
    );
    fs::write(package.join("Cargo.toml"), manifest)?;
    // The copied lock file contains only versions that Cargo has already downloaded for this workspace. So the
    // generated crate builds offline.
    fs::copy(runtime.with_file_name("Cargo.lock"), package.join("Cargo.lock"))?;
    let mut source = String::new();
    for number in 0..CHECKS {
        match kind {
            "by-hand" => write!(source, "{}", by_hand(number))?,
            "annotated" => write!(
                source,
                "#[healthcheck::health_check(timeout = \"2s\")]\n{}",
                function(number)
            )?,
            _ => {}
        }
    }
    source += "fn main() {\n    println!(\"{}\", healthcheck::HealthCheck::discover().unwrap().checks().count());\n}\n";
    fs::write(package.join("src/main.rs"), source)?;
    Ok(())
}

fn function(number: u32) -> String {
    format!(
        "async fn check_{number}() -> Result<&'static str, std::io::Error> {{\n    \
         std::future::ready(()).await;\n    Ok(\"fine {number}\")\n}}\n"
    )
}

fn by_hand(number: u32) -> String {
    let function = function(number);
    format!(
        "{function}healthcheck::__private::inventory::submit! {{\n    \
         healthcheck::__private::RegisteredCheck(|| healthcheck::__private::CheckRegistration {{\n        \
         name: \"check_{number}\",\n        description: \"\",\n        \
         origin: healthcheck::__private::Origin {{ module: module_path!(), file: file!(), line: line!(), \
         package: (option_env!(\"CARGO_PKG_NAME\"), option_env!(\"CARGO_PKG_VERSION\")) }},\n        \
         options: healthcheck::__private::options(&[(\"timeout\", healthcheck::__private::Given::Time(2, 0))]),\n        \
         bind: healthcheck::__private::Bind::Async(|| Box::pin(async {{ \
         healthcheck::IntoOutcome::into_outcome(check_{number}().await) }})),\n    }})\n}}\n"
    )
}

/// Builds the generated crate `kind` again, and returns how long that took. Cargo builds the dependencies only the
/// first time.
fn build(root: &Path, kind: &str, arguments: &[&str]) -> Result<Duration> {
    let source = root.join(kind).join("src/main.rs");
    let text = fs::read(&source)?;
    fs::write(&source, text)?;
    let begin = Instant::now();
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--quiet", "--offline"])
        .current_dir(root.join(kind))
        .env("CARGO_TARGET_DIR", target(root))
        .output()?;
    let time = begin.elapsed();
    if output.status.success() {
        Ok(time)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into())
    }
}

fn size(root: &Path, kind: &str) -> Result<u64> {
    let binary = target(root)
        .join("release")
        .join(format!("{kind}{}", env::consts::EXE_SUFFIX));
    Ok(fs::metadata(binary)?.len())
}

fn target(root: &Path) -> PathBuf {
    root.join("target")
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
