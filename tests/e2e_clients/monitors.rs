//! monit and Nagios' check_http: a failing check turns their verdict, with what it says in it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::servers::Server;
use crate::service::{Service, announce, example, get, until};

#[test]
fn monit() {
    announce("monit", &["--version"]);
    let mut service = Service::start(&[]);
    let monit = Server::start(|folder, port| {
        let configuration = example(
            "monit/monitrc",
            &[
                ("set daemon 10", &format!("set daemon 1\nset httpd port {port} use address 127.0.0.1 allow localhost")),
                ("port 8080", &format!("port {}", service.address.port())),
                ("127.0.0.1:8080", &service.address.to_string()),
            ],
        );
        let file = folder.join("monitrc");
        fs::write(&file, configuration).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let mut command = Command::new("monit");
        command.arg("-I").arg("-c").arg(file);
        for (option, name) in [("-p", "pid"), ("-s", "state"), ("-l", "log")] {
            command.arg(option).arg(folder.join(name));
        }
        // Its identity, which it would keep at home.
        command.env("HOME", folder);
        command
    });
    let status = || {
        let all = get(format!("127.0.0.1:{}", monit.port), "/_status?format=text", &[]).unwrap().body;
        all.split_once("'readiness'").map_or(all.clone(), |(_, behind)| behind.to_owned())
    };
    let await_status = |words: &[&str]| {
        until(&format!("monit to say {words:?}"), || match status() {
            seen if words.iter().all(|word| seen.contains(word)) => Ok(()),
            seen => Err(seen),
        });
    };
    await_status(&["OK", "[+]database ok"]);
    service.tell("fail database connection refused");
    await_status(&["failed", "[-]database failed: connection refused"]);
    service.tell("pass database");
    await_status(&["OK", "[+]database ok"]);
}

#[test]
fn nagios_check_http() {
    // The command that Nagios would run, out of its configuration.
    let configuration = example("nagios/commands.cfg", &[]);
    let line = configuration.lines().find(|line| line.contains("command_line")).unwrap();
    let line = line.trim().trim_start_matches("command_line").trim();
    let mut service = Service::start(&[]);
    let line = line
        .replace("$HOSTADDRESS$", "127.0.0.1")
        .replace("$ARG1$", &service.address.port().to_string());
    let mut words = line.split(' ');
    let plugin = words.next().unwrap();
    announce(plugin, &["--version"]);
    let arguments: Vec<&str> = words.collect();
    let run = || {
        let output = Command::new(plugin).args(&arguments).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = run();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("HTTP OK") && said.contains("[+]database ok"), "{said}");
    service.tell("fail database connection refused");
    let (code, said) = run();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("HTTP CRITICAL") && said.contains("[-]database failed: connection refused"), "{said}");
    service.tell("pass database");
    assert_eq!(run().0, Some(0));
}
