use healthcheck_tests::free_addr;
use rustix::process::Signal;

use crate::process::Served;
use crate::stats::HaProxy;

#[test]
fn haproxy_follows_the_agent_into_each_state_and_back() {
    let (agent, second_agent) = (free_addr().to_string(), free_addr().to_string());
    // With the argument `addr=ADDRESS`, the service calls `serve` with this address. As soon as the service has ended,
    // a new process can listen on the same address.
    let addr = free_addr();
    let serve = || {
        let mut served = Served::spawn(Served::command(&[
            &format!("agent={agent}"),
            &format!("addr={addr}"),
        ]));
        served.wait_for_log(&format!("listening on http://{addr}"));
        served
    };
    let mut first = serve();
    let (_second, second_addr) = Served::start(&[&format!("agent={second_agent}")]);
    let mut haproxy = HaProxy::start(
        "agent.cfg",
        &[
            ("127.0.0.1:8081", &addr.to_string()),
            ("127.0.0.1:8082", &second_addr.to_string()),
            ("agent-port 9081", &port("agent-port", &agent)),
            ("agent-port 9082", &port("agent-port", &second_agent)),
        ],
    );
    let up = |status: &str, weight| status == "UP" && weight == 100;
    haproxy.wait_for("shop-1", up);

    first.tell("warn");
    haproxy.wait_for("shop-1", |status, weight| status == "UP" && weight == 75);
    first.tell("calm");
    haproxy.wait_for("shop-1", up);

    first.tell("break");
    haproxy.wait_for("shop-1", |status, _| status.starts_with("DOWN"));
    first.tell("repair");
    haproxy.wait_for("shop-1", up);

    first.tell("maintenance");
    haproxy.wait_for("shop-1", |status, _| status.starts_with("MAINT"));
    first.tell("end maintenance");
    haproxy.wait_for("shop-1", up);

    first.signal(Signal::STOP);
    haproxy.wait_for("shop-1", |status, _| status.starts_with("DOWN"));
    first.signal(Signal::CONT);
    haproxy.wait_for("shop-1", up);

    first.signal(Signal::TERM);
    haproxy.wait_for("shop-1", |status, _| status.starts_with("DRAIN"));
    assert_eq!(haproxy.state("shop-2").0, "UP");
    assert!(first.wait().success());

    // HAProxy drains the first server. When a new process listens on the two ports of this server, HAProxy has to end
    // the drain.
    //
    // The test starts the new process immediately, before another program can take the ports.
    let _again = serve();
    haproxy.wait_for("shop-1", up);
}

fn port(name: &str, addr: &str) -> String {
    let (_, port) = addr.rsplit_once(':').unwrap();
    format!("{name} {port}")
}
