use std::path::Path;
use std::process::Command;

use healthcheck_tests::free_addr;

use crate::client::{example, print_version};
use crate::process::Served;
use crate::states::{at, follow};

/// The directory of the Nagios plugins on Debian. The configuration of Nagios calls it `$USER1$`.
const PLUGINS: &str = "/usr/lib/nagios/plugins";

/// Returns the command line with which Nagios checks a service on this port. The command line comes from the example
/// configuration.
fn command_line(port: u16) -> String {
    let program = Path::new(PLUGINS).join("check_http");
    print_version(program.to_str().unwrap(), &["-V"]);
    let text = example(
        "nagios/healthcheck.cfg",
        &[
            ("$USER1$", PLUGINS),
            ("$HOSTADDRESS$", "127.0.0.1"),
            ("$ARG1$", &port.to_string()),
        ],
    );
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("command_line"));
    line.expect("a command").to_owned()
}

/// Runs this command line in a shell. Returns the exit code and the output.
fn verdict(line: &str) -> (Option<i32>, String) {
    let output = Command::new("sh").args(["-c", line]).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_failing_check_turns_the_verdict_of_check_http_with_the_output_in_it() {
    let (mut served, addr) = Served::start(&[]);
    let line = command_line(addr.port());
    let (code, said) = verdict(&line);
    assert!(code == Some(0) && said.starts_with("HTTP OK"), "{said}");
    served.tell("break");
    let (code, said) = verdict(&line);
    println!("{said}");
    assert!(code == Some(2) && said.starts_with("HTTP CRITICAL"), "{said}");
    assert!(said.contains("[-]breakable failed: broken by hand"), "{said}");
}

#[test]
fn check_http_follows_the_service_into_each_state_and_back() {
    let addr = free_addr();
    let line = command_line(addr.port());
    follow(at(addr), || at(addr), || verdict(&line).0 == Some(0));
}
