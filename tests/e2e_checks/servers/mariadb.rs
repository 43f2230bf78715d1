use std::time::{Duration, Instant};

use ::sqlx::MySqlPool;
use ::sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};

use super::{Server, command_as};

pub fn mariadb() -> (Server, MySqlConnectOptions) {
    let server = Server::start(|folder, port| {
        let data = folder.join("data");
        let made = command_as("mysql", "mariadb-install-db", folder)
            .args([
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ])
            .arg(format!("--datadir={}", data.display()))
            .output()
            .expect("no MariaDB; .ci/install-clients installs it");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut command = command_as("mysql", "mariadbd", folder);
        command.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-grant-tables"]);
        command.args([
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-buffer-pool-size=16M",
        ]);
        command.arg(format!("--port={port}"));
        command.arg(format!("--datadir={}", data.display()));
        command.arg(format!("--socket={}", folder.join("socket").display()));
        command
    });
    let options = MySqlConnectOptions::new()
        .host("127.0.0.1")
        .port(server.port)
        .username("root")
        .ssl_mode(MySqlSslMode::Disabled);
    (server, options)
}

/// Waits until clients can log in to the server. The server accepts connections a moment before it allows logins.
pub async fn ready(pool: &MySqlPool) {
    let patience = Instant::now() + Duration::from_secs(30);
    while pool.acquire().await.is_err() {
        assert!(Instant::now() < patience);
    }
}
