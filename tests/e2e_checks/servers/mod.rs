//! Servers of other projects, as processes of the test that started them.
#![allow(dead_code)] // Each binary uses its own part.

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

/// Ends when it is dropped, with what it has started itself.
pub struct Server {
    pub port: u16,
    command: Command,
    child: Child,
    /// Where its data lies.
    folder: TempDir,
}

impl Server {
    /// Starts what `command` makes of a folder and a port, and waits until it accepts connections.
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

    /// At once, as by the kernel's out-of-memory killer.
    pub fn kill(&mut self) {
        let processes = self.processes();
        signal("KILL", &processes);
        self.child.wait().unwrap();
        // A child of it lives on for a moment, with its sockets.
        let patience = Instant::now() + Duration::from_secs(30);
        while processes
            .iter()
            .any(|pid| stat(*pid).is_some_and(|(state, _)| state != "Z"))
        {
            assert!(Instant::now() < patience);
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// After a kill, with the same data on the same port.
    pub fn start_again(&mut self) {
        // PostgreSQL's own lock; its process is gone.
        let _ = fs::remove_file(self.folder().join("data/postmaster.pid"));
        self.child = spawn(&mut self.command, self.port);
    }

    /// From now on the kernel accepts connections and nobody answers.
    pub fn pause(&self) {
        signal("STOP", &self.processes());
    }

    pub fn resume(&self) {
        signal("CONT", &self.processes());
    }

    pub fn hang_up(&self) {
        signal("HUP", &[self.child.id()]);
    }

    /// The process that was started and its children; theirs there are none.
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

/// State and parent of a process, as long as it is there.
fn stat(pid: u32) -> Option<(String, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // "pid (name) state parent …"; a name may hold anything.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut words = after_name.split_whitespace();
    Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
}

/// Says which version of which program this is: of the process itself, whatever started it.
fn print_version(child: &Child) {
    let Ok(program) = fs::read_link(format!("/proc/{}/exe", child.id())) else {
        return;
    };
    // nginx knows only the short one, and says it on stderr.
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
    // A child may have ended meanwhile.
    let _ = Command::new("sh")
        .args(["-c", &format!("kill -{name} {} 2>/dev/null", pids.join(" "))])
        .status()
        .unwrap();
}

/// A command that runs as `user` where this is root, which some servers refuse to be; `folder` becomes the user's.
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
