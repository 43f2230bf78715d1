use std::process::Command;

use ::redis::Client;

use super::Server;

pub fn redis() -> (Server, Client) {
    let server = Server::start(|folder, port| {
        let mut command = Command::new("redis-server");
        command
            .args([
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--port",
                &port.to_string(),
                "--dir",
            ])
            .arg(folder);
        command
    });
    let client = Client::open(format!("redis://127.0.0.1:{}/", server.port)).unwrap();
    (server, client)
}
