use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use healthcheck_tests::free_addr;

use crate::client::{Client, example, print_version};
use crate::states::{at, follow};

#[test]
fn monit_follows_the_service_into_each_state_and_back_with_the_output_of_its_checks() {
    print_version("monit", &["-V"]);
    print_version("curl", &["-V"]);
    let addr = free_addr();
    let served = at(addr);
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
    // monit refuses its configuration file if users other than its owner can read the file.
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    // monit changes its working directory to `/`. So the paths of its files must be absolute.
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

    // monit logs every change of the status. So the last logged status is the current status.
    let succeeds = || {
        let log = logged();
        let mut verdicts = log.lines().filter_map(|line| line.split_once("'shop' status "));
        verdicts
            .next_back()
            .is_none_or(|(_, verdict)| verdict.starts_with("succeeded (0)"))
    };
    follow(served, || at(addr), succeeds);
    let logged = logged();
    println!("{logged}");
    assert!(logged.contains("[-]breakable failed: broken by hand"), "{logged}");
}
