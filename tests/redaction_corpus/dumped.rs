//! Prints the environment section `process` of this process as JSON. The test of the redaction corpus starts this
//! program with the variables and the arguments of its cases.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use healthcheck::EnvironmentDump;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let dump = EnvironmentDump::builder()
        .discover(false)
        .include_os(false)
        .include_rust(false)
        .build()
        .unwrap();
    println!("{}", dump.collect().await["process"]);
}
