//! Hands on what only a build script is told about the build: the compiler, the target and the profile.
//! `environment/rust.rs` shows them. What can't be found out is left out; a build never fails because of it.

use std::env;
use std::process::Command;

fn main() {
    // Nothing else is read that cargo doesn't already watch: a new compiler or target rebuilds everything anyway.
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

/// The first line of `rustc --version`, as in "rustc 1.88.0 (6b00bc388 2025-06-23)".
fn compiler_version() -> Option<String> {
    let output = Command::new(env::var_os("RUSTC")?)
        .arg("--version")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}
