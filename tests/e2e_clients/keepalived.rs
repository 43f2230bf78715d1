//! Tests keepalived with a check script. The script is the self-probe: a command of the service's program that requests
//! the health of the running service.
//!
//! keepalived can't use the loopback interface. So the test runs keepalived and the service in a separate network
//! namespace.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::client::{Client, example, print_version};
use crate::process::Served;
use crate::states::follow;

const ADDR: &str = "127.0.0.1:8080";

/// Starts a service with the command `enter`, which first creates or enters a network namespace.
fn served(enter: &[&str]) -> Served {
    let service = Served::command(&[&format!("addr={ADDR}")]);
    let mut command = Command::new(enter[0]);
    command.args(&enter[1..]).arg(service.get_program());
    command.args(service.get_args());
    let mut served = Served::spawn(command);
    served.wait_for_log(&format!("listening on http://{ADDR}"));
    served
}

#[test]
fn keepalived_gives_the_address_away_while_the_service_is_not_ready() {
    print_version("keepalived", &["-v"]);
    let network = "ip link set lo up && ip link add eth0 type veth peer name eth1 && \
                   ip link set eth1 up && ip link set eth0 up && ip addr add 192.0.2.2/24 dev eth0 && exec \"$@\"";
    let first = served(&["unshare", "--net", "sh", "-c", network, "sh"]);
    // The kernel keeps the network namespace as long as this process runs.
    let holder = first.pid().to_string();
    let folder = tempfile::tempdir().unwrap();
    // keepalived refuses a script if users other than root can change it.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let script = format!("{} probe={ADDR}", env!("CARGO_BIN_EXE_served"));
    let text = example(
        "keepalived/keepalived.conf",
        &[
            ("/usr/bin/orders probe", &script),
            ("script_user nobody", "script_user root"),
        ],
    );
    let file = folder.path().join("keepalived.conf");
    fs::write(&file, text).unwrap();
    let mut command = Command::new("nsenter");
    command.args([
        "--target",
        &holder,
        "--net",
        "keepalived",
        "-n",
        "-l",
        "-D",
        "-P",
        "-f",
    ]);
    command.arg(&file);
    for (option, name) in [("-p", "pid"), ("-r", "vrrp.pid")] {
        command.arg(option).arg(folder.path().join(name));
    }
    let keepalived = Client::start(&mut command, folder.path());
    let has_address = || {
        let log = keepalived.output().to_lowercase();
        let mut states = log
            .lines()
            .filter_map(|line| line.split_once("(orders) entering "));
        states
            .next_back()
            .is_some_and(|(_, state)| state.starts_with("master"))
    };
    let network = fs::File::open(format!("/proc/{holder}/ns/net")).unwrap();
    let kept = format!(
        "--net=/proc/{}/fd/{}",
        std::process::id(),
        std::os::fd::AsRawFd::as_raw_fd(&network)
    );
    follow(first, || served(&["nsenter", &kept]), has_address);
}
