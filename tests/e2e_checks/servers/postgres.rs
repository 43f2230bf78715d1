use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ::sqlx::PgPool;
use ::sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::Server;

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
    let options = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(server.port)
        .username("app")
        .database("postgres")
        .ssl_mode(PgSslMode::Disable);
    (server, options)
}

/// It accepts connections a moment before it lets anyone in, and says so.
pub async fn ready(pool: &PgPool) {
    let patience = Instant::now() + Duration::from_secs(30);
    while pool.acquire().await.is_err() {
        assert!(Instant::now() < patience);
    }
}

/// A command that runs as `user` where this is root, which some servers refuse to be; `folder` becomes the user's.
fn command_as(user: &str, program: impl AsRef<OsStr>, folder: &Path) -> Command {
    if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) != 0) {
        return Command::new(program);
    }
    assert!(
        Command::new("chown")
            .args(["-R", user])
            .arg(folder)
            .status()
            .unwrap()
            .success()
    );
    let mut command = Command::new("setpriv");
    command.args([
        format!("--reuid={user}"),
        format!("--regid={user}"),
        "--clear-groups".to_owned(),
    ]);
    command.arg(program);
    command
}

/// The newest of Debian's PostgreSQL, whose programs aren't in the path.
fn program(name: &str) -> PathBuf {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .expect("no PostgreSQL; .ci/install-clients installs it")
        .map(|entry| entry.unwrap().path())
        .collect();
    versions.sort();
    versions.pop().unwrap().join("bin").join(name)
}
