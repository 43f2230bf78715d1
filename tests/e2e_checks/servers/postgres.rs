use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ::sqlx::PgPool;
use ::sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::{Server, command_as};

pub fn postgres() -> (Server, PgConnectOptions) {
    let server = Server::start(|folder, port| {
        let data = folder.join("data");
        let made = command_as("postgres", program("initdb"), folder)
            .args(["--no-sync", "--auth=trust", "--username=app", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut command = command_as("postgres", program("postgres"), folder);
        command
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-h", "127.0.0.1"]);
        command.args(["-c", "fsync=off", "-c", "unix_socket_directories="]);
        command
    });
    let options = options(server.port);
    (server, options)
}

/// Starts a second PostgreSQL server, a standby that replicates the server `primary`.
pub fn standby(primary: &Server) -> (Server, PgConnectOptions) {
    let server = Server::start(|folder, port| {
        let data = folder.join("data");
        let copied = command_as("postgres", program("pg_basebackup"), folder)
            .args([
                "-h",
                "127.0.0.1",
                "-U",
                "app",
                "--checkpoint=fast",
                "--write-recovery-conf",
            ])
            .args(["--no-sync", "-p", &primary.port.to_string(), "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(
            copied.status.success(),
            "{}",
            String::from_utf8_lossy(&copied.stderr)
        );
        let mut command = command_as("postgres", program("postgres"), folder);
        command
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-h", "127.0.0.1"]);
        command.args(["-c", "fsync=off", "-c", "unix_socket_directories="]);
        command
    });
    let options = options(server.port);
    (server, options)
}

/// Makes the server `standby` a primary server. Returns after the server has become one.
pub fn promote(standby: &Server) {
    let data = standby.folder().join("data");
    let promoted = command_as("postgres", program("pg_ctl"), standby.folder())
        .args(["promote", "--wait", "-D"])
        .arg(data)
        .output()
        .unwrap();
    assert!(
        promoted.status.success(),
        "{}",
        String::from_utf8_lossy(&promoted.stderr)
    );
}

fn options(port: u16) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username("app")
        .database("postgres")
        .ssl_mode(PgSslMode::Disable)
}

/// Waits until clients can log in to the server. While the server starts up, it accepts connections but refuses logins.
pub async fn ready(pool: &PgPool) {
    let patience = Instant::now() + Duration::from_secs(30);
    while pool.acquire().await.is_err() {
        assert!(Instant::now() < patience);
    }
}

/// Returns the path of this program in the newest installed version of PostgreSQL. On Debian these programs aren't in
/// the PATH.
fn program(name: &str) -> PathBuf {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .expect("no PostgreSQL; .ci/install-clients installs it")
        .map(|entry| entry.unwrap().path())
        .collect();
    versions.sort();
    versions.pop().unwrap().join("bin").join(name)
}
