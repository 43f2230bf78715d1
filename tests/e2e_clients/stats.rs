//! Starts HAProxy, and reads the status and the weight of its servers from its stats socket.

use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;

use healthcheck_tests::free_addr;
use tempfile::TempDir;

use crate::client::{Client, example, print_version};

pub struct HaProxy {
    client: Client,
    /// The address on which HAProxy accepts requests for the servers behind it.
    pub front: SocketAddr,
    socket: PathBuf,
    _folder: TempDir,
}

impl HaProxy {
    /// Starts HAProxy with this configuration file from `examples/haproxy`. Makes the given replacements in the file.
    pub fn start(name: &str, replacements: &[(&str, &str)]) -> Self {
        let front = free_addr();
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("admin.sock");
        let front_text = front.to_string();
        let mut replacements = replacements.to_vec();
        replacements.push(("127.0.0.1:8000", &front_text));
        replacements.push(("/run/haproxy/admin.sock", socket.to_str().unwrap()));
        let text = example(&format!("haproxy/{name}"), &replacements);
        let mut it = Self::start_with(&text, front, folder);
        it.wait_for_stats();
        it
    }

    /// Waits until HAProxy's stats socket accepts connections.
    ///
    /// HAProxy opens its ports before it creates this socket. So when this function returns, all ports of HAProxy are
    /// open.
    pub fn wait_for_stats(&mut self) {
        let socket = &self.socket;
        self.client
            .wait_until("its stats socket", || UnixStream::connect(socket).is_ok());
    }

    pub fn start_with(text: &str, front: SocketAddr, folder: TempDir) -> Self {
        print_version("haproxy", &["-v"]);
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, text).unwrap();
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(&file);
        let client = Client::start(&mut command, folder.path());
        let socket = folder.path().join("admin.sock");
        let mut it = Self {
            client,
            front,
            socket,
            _folder: folder,
        };
        it.client
            .wait_until("it listens", || std::net::TcpStream::connect(front).is_ok());
        it
    }

    /// Waits until `wanted` returns true for the status and the weight that HAProxy has for this server.
    pub fn wait_for(&mut self, server: &str, wanted: impl Fn(&str, u32) -> bool) {
        let socket = self.socket.clone();
        let mut last = (String::new(), 0);
        self.client.wait_until(server, || {
            let now = state(&ask(&socket), server);
            if now != last {
                println!("{server}: {} with weight {}", now.0, now.1);
                last = now;
            }
            wanted(&last.0, last.1)
        });
    }

    pub fn state(&self, server: &str) -> (String, u32) {
        state(&ask(&self.socket), server)
    }
}

fn ask(socket: &PathBuf) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.write_all(b"show stat\n").unwrap();
    let mut table = String::new();
    stream.read_to_string(&mut table).unwrap();
    table
}

/// Returns the status and the weight of a server. `table` is HAProxy's table of all servers.
fn state(table: &str, server: &str) -> (String, u32) {
    let mut lines = table.lines();
    let names: Vec<&str> = lines
        .next()
        .unwrap()
        .trim_start_matches("# ")
        .split(',')
        .collect();
    let column = |name: &str| names.iter().position(|found| *found == name).unwrap();
    let (own, status, weight) = (column("svname"), column("status"), column("weight"));
    let row = lines
        .map(|line| line.split(',').collect::<Vec<_>>())
        .find(|row| row.get(own) == Some(&server))
        .unwrap_or_else(|| panic!("no {server} in {table}"));
    (row[status].to_owned(), row[weight].parse().unwrap())
}
