//! Prints the environment section `process` of its own process as JSON. The corpus test starts this program with the
//! variables and arguments of the cases.
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
