//! HAProxy, as a user configures it: `option httpchk`, and the agent check.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use crate::servers::{Server, free_port};
use crate::service::{Service, announce, example, get, until};

/// HAProxy with this configuration; it listens on `port` for the public, where the example says 8000.
fn haproxy(configuration: impl FnOnce(u16) -> String) -> Server {
    announce("haproxy", &["-v"]);
    Server::start(|folder, port| {
        let file = folder.join("haproxy.cfg");
        fs::write(&file, configuration(port)).unwrap();
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(file);
        command
    })
}

/// A column of a server's line in the statistics.
fn state(statistics: u16, server: &str, column: &str) -> String {
    let table = get(format!("127.0.0.1:{statistics}"), "/;csv", &[]).unwrap().body;
    let mut lines = table.lines();
    let names = lines.next().unwrap().trim_start_matches("# ").split(',');
    let place = names.into_iter().position(|name| name == column).unwrap();
    let line = lines.find(|line| line.starts_with(&format!("service,{server},"))).unwrap();
    line.split(',').nth(place).unwrap().to_owned()
}

fn await_state(statistics: u16, server: &str, column: &str, wanted: &str) {
    until(&format!("{server}'s {column} to be {wanted}"), || {
        let seen = state(statistics, server, column);
        if seen == wanted {
            return Ok(());
        }
        let told = ["check_desc", "agent_desc", "last_agt"].map(|column| state(statistics, server, column));
        Err(format!("{seen}: {}", told.join(", ")))
    });
}

#[test]
fn one_of_two_goes_out_with_its_check_comes_back_and_leaves_without_losing_a_request() {
    let mut one = Service::start(&["delay=5000".to_owned()]);
    let two = Service::start(&[]);
    let statistics = free_port();
    let proxy = haproxy(|port| {
        example(
            "haproxy/haproxy.cfg",
            &[
                ("127.0.0.1:8000", &format!("127.0.0.1:{port}")),
                ("127.0.0.1:8081", &one.address.to_string()),
                ("127.0.0.1:8082", &two.address.to_string()),
                ("127.0.0.1:8404", &format!("127.0.0.1:{statistics}")),
            ],
        )
    });
    await_state(statistics, "one", "status", "UP");
    await_state(statistics, "two", "status", "UP");
    // It asked as it does by default, and was answered as HTTP/1.0 has it.
    assert_eq!(state(statistics, "one", "check_status"), "L7OK");
    assert_eq!(state(statistics, "one", "check_code"), "200");

    one.tell("fail database connection refused");
    await_state(statistics, "one", "status", "DOWN");
    assert_eq!(state(statistics, "one", "check_code"), "503");
    assert_eq!(state(statistics, "two", "status"), "UP");
    one.tell("pass database");
    await_state(statistics, "one", "status", "UP");
    // What only degrades takes nobody out.
    one.tell("fail recommendations no answer");
    let before = state(statistics, "one", "chkdown");
    thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!((state(statistics, "one", "status"), state(statistics, "one", "chkdown")), ("UP".to_owned(), before));

    let load = Load::on(proxy.port);
    load.await_answers(200);
    one.terminate();
    one.wait();
    load.await_answers(200);
    let (answered, lost) = load.stop();
    assert_eq!(lost, Vec::<String>::new(), "of {answered} requests");
    assert_eq!(state(statistics, "one", "status"), "DOWN");
}

/// Clients that ask one request after another.
struct Load {
    goes_on: Arc<AtomicBool>,
    answered: Arc<AtomicU32>,
    clients: Vec<thread::JoinHandle<Vec<String>>>,
}

impl Load {
    fn on(port: u16) -> Self {
        let goes_on = Arc::new(AtomicBool::new(true));
        let answered = Arc::new(AtomicU32::new(0));
        let client = |_| {
            let (goes_on, answered) = (Arc::clone(&goes_on), Arc::clone(&answered));
            thread::spawn(move || {
                let mut lost = Vec::new();
                while goes_on.load(Ordering::Acquire) {
                    match get(format!("127.0.0.1:{port}"), "/livez", &[]) {
                        Ok(answer) if answer.status == 200 => {
                            answered.fetch_add(1, Ordering::AcqRel);
                        }
                        other => lost.push(format!("{other:?}")),
                    }
                }
                lost
            })
        };
        let clients = (0..4).map(client).collect();
        Self {
            goes_on,
            answered,
            clients,
        }
    }

    fn await_answers(&self, more: u32) {
        let enough = self.answered.load(Ordering::Acquire) + more;
        until("answers under load", || match self.answered.load(Ordering::Acquire) {
            answered if answered >= enough => Ok(()),
            answered => Err(answered.to_string()),
        });
    }

    fn stop(self) -> (u32, Vec<String>) {
        self.goes_on.store(false, Ordering::Release);
        let lost = self.clients.into_iter().flat_map(|client| client.join().unwrap());
        let lost = lost.collect();
        (self.answered.load(Ordering::Acquire), lost)
    }
}

#[test]
fn the_agent_check_weighs_drains_and_comes_back() {
    let (agent, statistics) = (free_port(), free_port());
    let mut service = Service::start(&[format!("agent=127.0.0.1:{agent}"), "delay=20000".to_owned()]);
    let _proxy = haproxy(|port| {
        example(
            "haproxy/agent-check.cfg",
            &[
                ("127.0.0.1:8000", &format!("127.0.0.1:{port}")),
                ("127.0.0.1:8081", &service.address.to_string()),
                ("agent-port 8091", &format!("agent-port {agent}")),
                ("127.0.0.1:8404", &format!("127.0.0.1:{statistics}")),
            ],
        )
    });
    await_state(statistics, "one", "status", "UP");
    await_state(statistics, "one", "weight", "100");

    service.tell("warn disk 9 % left");
    await_state(statistics, "one", "weight", "75");
    assert_eq!(state(statistics, "one", "status"), "UP");
    service.tell("pass disk");
    await_state(statistics, "one", "weight", "100");

    service.tell("maintenance disks");
    await_state(statistics, "one", "status", "MAINT");
    service.tell("end maintenance");
    await_state(statistics, "one", "status", "UP");

    service.tell("fail database connection refused");
    await_state(statistics, "one", "agent_status", "L7STS");
    await_state(statistics, "one", "status", "DOWN (agent)");
    service.tell("pass database");
    await_state(statistics, "one", "status", "UP");

    service.terminate();
    await_state(statistics, "one", "status", "DRAIN (agent)");
}
