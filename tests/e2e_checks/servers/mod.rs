//! Starts and controls servers of other projects, which run as child processes of the tests.
#![allow(dead_code)] // Each test binary uses only a part of this module.

pub mod grpc;
pub mod mariadb;
pub mod nginx;
pub mod postgres;
pub mod redis;

use std::ffi::OsStr;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use healthcheck_tests::free_port;
use tempfile::TempDir;

/// A server that runs as a child process. Dropping this value ends the server's process and its child processes.
pub struct Server {
    pub port: u16,
    command: Command,
    child: Child,
    /// The temporary folder that contains the server's data.
    folder: TempDir,
}

impl Server {
    /// Creates a folder, chooses a port, and calls `command` with both. Starts the returned command, and waits until
    /// the server accepts connections.
    pub fn start(command: impl FnOnce(&Path, u16) -> Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = command(folder.path(), port);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = spawn(&mut command, port);
        print_version(&child);
        Self {
            port,
            command,
            child,
            folder,
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills the server with SIGKILL, as the kernel does when memory runs out. The server can't clean up.
    pub fn kill(&mut self) {
        let processes = self.processes();
        signal("KILL", &processes);
        self.child.wait().unwrap();
        // The server's child processes end a moment after the kill. Until they have ended, they hold the server's
        // sockets. This loop waits for their end.
        let patience = Instant::now() + Duration::from_secs(30);
        while processes
            .iter()
            .any(|pid| stat(*pid).is_some_and(|(state, _)| state != "Z"))
        {
            assert!(Instant::now() < patience);
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Starts the killed server again, with the same data and the same port.
    pub fn start_again(&mut self) {
        // A killed PostgreSQL server leaves its lock file behind, which would prevent the new start.
        let _ = fs::remove_file(self.folder().join("data/postmaster.pid"));
        self.child = spawn(&mut self.command, self.port);
    }

    /// Stops the server's processes with SIGSTOP. The kernel still accepts connections for the server, but the server
    /// doesn't answer.
    pub fn pause(&self) {
        signal("STOP", &self.processes());
    }

    pub fn resume(&self) {
        signal("CONT", &self.processes());
    }

    pub fn hang_up(&self) {
        signal("HUP", &[self.child.id()]);
    }

    /// Returns the process ids of the server and of its child processes. The child processes of these servers start no
    /// further processes.
    fn processes(&self) -> Vec<u32> {
        let own = self.child.id();
        let is_child = |pid: &u32| stat(*pid).is_some_and(|(_, parent)| parent == own);
        let running = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        std::iter::once(own).chain(running.filter(is_child)).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill();
        }
    }
}

/// Returns the state and the parent's id of a process, or `None` if the process doesn't exist.
fn stat(pid: u32) -> Option<(String, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The file contains "pid (name) state parent …". A name can contain the character `)`. So this code looks for the
    // last `)` in the file.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut words = after_name.split_whitespace();
    Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
}

/// Prints the name and the version of the program that this child process runs.
///
/// The command that started the child process may be a wrapper of the program. So this function runs the executable
/// file of the child process with a version flag.
fn print_version(child: &Child) {
    let Ok(program) = fs::read_link(format!("/proc/{}/exe", child.id())) else {
        return;
    };
    // nginx has no flag `--version`. With `-v` it prints its version to stderr.
    for flag in ["--version", "-v"] {
        let Ok(said) = Command::new(&program).arg(flag).output() else {
            continue;
        };
        if said.status.success() {
            let text = String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned();
            println!("against {}", text.lines().next().unwrap_or_default());
            return;
        }
    }
}

fn spawn(command: &mut Command, port: u16) -> Child {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => panic!(
            "{:?}: {error}; .ci/install-clients installs it",
            command.get_program()
        ),
    };
    let patience = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(child.try_wait().unwrap().is_none(), "{command:?} has ended");
        assert!(
            Instant::now() < patience,
            "{command:?} doesn't accept connections"
        );
        thread::sleep(Duration::from_millis(10));
    }
    child
}

fn signal(name: &str, pids: &[u32]) {
    let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
    // The command `kill` fails if one of the processes has already ended. The test ignores this failure.
    let _ = Command::new("sh")
        .args(["-c", &format!("kill -{name} {} 2>/dev/null", pids.join(" "))])
        .status()
        .unwrap();
}

/// Returns a command that runs the program.
///
/// Some servers refuse to run as root. If this process is root, the command runs the program as the user `user`, and
/// this function makes `user` the owner of `folder`.
pub fn command_as(user: &str, program: impl AsRef<OsStr>, folder: &Path) -> Command {
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
