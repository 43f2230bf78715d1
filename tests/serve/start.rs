//! Tests the start of the server: with an address that is in use, with an environment variable that disables checks,
//! and with a file that puts the service into maintenance.

use std::net::TcpListener;

use crate::process::{Served, get, get_until};

#[test]
fn an_address_that_is_taken_is_one_clear_line_and_a_failure() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let mut served = Served::spawn(Served::command(&[&format!("addr={addr}")]));
    assert_eq!(served.wait().code(), Some(1));
    served.wait_for_log(&format!("Error: can't listen on {addr}: address already in use"));
}

#[tokio::test]
async fn what_is_no_address_is_told_with_one_that_is() {
    for no_address in ["127.0.0.1", "localhost:99999"] {
        let error = healthcheck_axum::serve(no_address).await.unwrap_err();
        assert!(error.is_listen());
        let told = error.to_string();
        assert!(
            told.ends_with("an address is host and port, like \"127.0.0.1:8080\""),
            "{told}"
        );
    }
    let health = healthcheck::HealthCheck::builder()
        .discover(false)
        .build()
        .unwrap();
    let agent = healthcheck_axum::Endpoints::new(health).haproxy_agent("nonsense");
    let error = agent.serve("127.0.0.1:0").await.unwrap_err();
    assert!(
        error.to_string().starts_with("can't listen on `nonsense`: "),
        "{error}"
    );
}

#[test]
fn the_environment_takes_checks_out_and_an_unknown_name_is_a_warning() {
    let mut command = Served::command(&["broken=yes"]);
    command.env("HEALTHCHECK_DISABLE", "breakable, nobody");
    let mut served = Served::spawn(command);
    let addr = served.printed("listening ").parse().unwrap();
    let answer = get(addr, "/healthcheck");
    assert_eq!(answer.code, 200);
    assert_eq!(answer.report().results.len(), 1);
    assert_eq!(get(addr, "/readyz").code, 200);
    assert_eq!(get(addr, "/healthcheck/breakable").code, 404);
    served.wait_for_log("nobody");
    assert_eq!(served.count_in_log("doesn't exist"), 1);
}

#[test]
fn a_file_that_exists_is_maintenance() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("maintenance");
    let (_served, addr) = Served::start(&[&format!("maintenance_file={}", path.display())]);
    assert_eq!(get(addr, "/readyz").code, 200);
    std::fs::write(&path, "a new disk\n").unwrap();
    let down = get_until(addr, "/readyz", |answer| answer.code == 503);
    assert_eq!(down.report().reason.as_deref(), Some("maintenance: a new disk"));
    assert_eq!(get(addr, "/livez").code, 200);
    std::fs::remove_file(&path).unwrap();
    get_until(addr, "/readyz", |answer| answer.code == 200);
}

#[test]
fn a_file_that_exists_before_the_start_is_maintenance_in_the_first_answer() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let maintenance = format!("maintenance_file={}", file.path().display());
    let served = Served::spawn(Served::command(&[&maintenance]));
    let addr = served.printed("listening ").parse().unwrap();
    assert_eq!(get(addr, "/readyz").code, 503);
}

#[test]
fn a_request_from_outside_a_probe_path_is_404_and_the_peer_is_known() {
    let (_served, addr) = Served::start(&[]);
    assert_eq!(get(addr, "/nowhere").code, 404);
    // Only clients on a loopback address may see the environment page. This client sees the page, so the server knows
    // the address of the client.
    assert_eq!(get(addr, "/environment").code, 200);
}
