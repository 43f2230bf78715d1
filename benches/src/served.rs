//! A server as a process of its own, so that its processor time is the server's alone: the bench starts itself again
//! with the server's name as the argument.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::{Result, load, process};

/// What the child prints before its address.
const LISTENS: &str = "listens on ";

/// A server while it runs; ends with this.
#[derive(Debug)]
pub struct Served {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Served {
    /// Starts this very program on the first core as the server of that name.
    ///
    /// # Errors
    /// It doesn't start, or doesn't say where it listens.
    pub fn start(name: &str) -> Result<Self> {
        let program = std::env::current_exe()?;
        let program = program.to_str().ok_or("a path that is no text")?;
        let mut process = load::pinned(0, program)
            .args(["server", name])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let stdout = process.stdout.take().ok_or("the server has no output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().strip_prefix(LISTENS);
        let address = address.ok_or_else(|| format!("{name}: {line}"))?.parse()?;
        Ok(Self { process, address })
    }

    /// The processor time so far.
    ///
    /// # Errors
    /// It has ended.
    pub fn cpu(&self) -> Result<Duration> {
        process::cpu(self.process.id())
    }

    /// What it holds now.
    ///
    /// # Errors
    /// It has ended.
    pub fn held(&self) -> Result<process::Held> {
        process::held(self.process.id())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The name of the server that this process is to be, if it was started as one.
#[must_use]
pub fn wanted() -> Option<String> {
    let mut arguments = std::env::args().skip(1);
    (arguments.next()? == "server").then(|| arguments.next())?
}

/// Says where this process listens.
#[allow(clippy::print_stdout)]
pub fn listens(address: SocketAddr) {
    println!("{LISTENS}{address}");
}
