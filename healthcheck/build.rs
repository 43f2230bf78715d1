//! Sets environment variables with the version of the compiler, the target and the profile, for the compilation of the
//! crate. Cargo passes these values only to build scripts. `environment/rust.rs` reads the variables.
//!
//! If a value is unknown, the script doesn't set its variable, and the build still succeeds.

use std::env;
use std::process::Command;

fn main() {
    // Cargo runs this script again only if the script itself changes. After a change of the compiler or the target,
    // cargo rebuilds everything anyway.
    println!("cargo::rerun-if-changed=build.rs");
    if let Some(version) = compiler_version() {
        println!("cargo::rustc-env=HEALTHCHECK_BUILD_RUSTC={version}");
    }
    for (variable, name) in [
        ("TARGET", "HEALTHCHECK_BUILD_TARGET"),
        ("PROFILE", "HEALTHCHECK_BUILD_PROFILE"),
    ] {
        if let Ok(value) = env::var(variable) {
            println!("cargo::rustc-env={name}={value}");
        }
    }
}

/// Returns the first line that `rustc --version` prints, such as "rustc 1.88.0 (6b00bc388 2025-06-23)".
fn compiler_version() -> Option<String> {
    let output = Command::new(env::var_os("RUSTC")?)
        .arg("--version")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}
