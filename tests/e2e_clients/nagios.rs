use std::path::Path;
use std::process::Command;

use crate::client::{example, print_version};
use crate::process::Served;

/// The directory of Debian's plugins, which Nagios calls `$USER1$`.
const PLUGINS: &str = "/usr/lib/nagios/plugins";

#[test]
fn a_failing_check_turns_the_verdict_of_check_http_with_the_output_in_it() {
    let program = Path::new(PLUGINS).join("check_http");
    print_version(program.to_str().unwrap(), &["-V"]);
    let (mut served, addr) = Served::start(&[]);
    let text = example(
        "nagios/healthcheck.cfg",
        &[
            ("$USER1$", PLUGINS),
            ("$HOSTADDRESS$", "127.0.0.1"),
            ("$ARG1$", &addr.port().to_string()),
        ],
    );
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("command_line"))
        .expect("a command");
    let verdict = || {
        let output = Command::new("sh").args(["-c", line]).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        println!("{said}");
        (output.status.code(), said)
    };
    let (code, said) = verdict();
    assert!(code == Some(0) && said.starts_with("HTTP OK"), "{said}");
    served.tell("break");
    let (code, said) = verdict();
    assert!(code == Some(2) && said.starts_with("HTTP CRITICAL"), "{said}");
    assert!(said.contains("[-]breakable failed: broken by hand"), "{said}");
    served.tell("repair");
    assert_eq!(verdict().0, Some(0));
}
