use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::client::{Client, example, print_version};
use crate::process::Served;

#[test]
fn a_failing_check_turns_the_verdict_of_monit_with_the_output_in_it() {
    print_version("monit", &["-V"]);
    print_version("curl", &["-V"]);
    let (mut served, addr) = Served::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("monit.log");
    let text = example(
        "monit/monitrc",
        &[
            ("127.0.0.1:8080", &addr.to_string()),
            ("set daemon 30", "set daemon 1"),
            ("/var/log/monit.log", log.to_str().unwrap()),
        ],
    );
    let file = folder.path().join("monitrc");
    fs::write(&file, text).unwrap();
    // monit refuses a configuration file that other users can read.
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    // monit changes to the root directory, so the paths must be absolute.
    let own = |name| folder.path().join(name);
    let mut command = Command::new("monit");
    command.arg("-I").arg("-c").arg(&file);
    command
        .arg("-p")
        .arg(own("monit.pid"))
        .arg("-s")
        .arg(own("monit.state"));
    let mut monit = Client::start(&mut command, folder.path());
    let logged = || fs::read_to_string(&log).unwrap_or_default();
    monit.wait_until("it starts", || logged().contains("started"));

    served.tell("break");
    monit.wait_until("the failure with its reason", || {
        logged().contains("'shop' status failed (22)")
            && logged().contains("[-]breakable failed: broken by hand")
    });
    served.tell("repair");
    monit.wait_until("the recovery", || {
        logged().contains("'shop' status succeeded (0)")
    });
    println!("{}", logged());
}
