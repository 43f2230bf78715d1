//! Requests from 64 connections at once, as fast as the server answers: by `wrk` where it is installed, else by the few
//! lines below. Both keep their connections, and both run on the last core while servers run on the first.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime;

use crate::Result;

/// How many connections ask at once.
pub const CONNECTIONS: usize = 64;

/// What came back.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Answers.
    pub requests: f64,
    /// Answers a second.
    pub rate: f64,
    /// The time that 99 of 100 answers took at the most.
    pub p99: Duration,
}

/// Which of the two it is.
#[must_use]
pub fn name() -> &'static str {
    if is_wrk_there() { "wrk" } else { "the bench's own" }
}

/// A command that is kept on one core, where `taskset` is installed.
#[must_use]
pub fn pinned(core: usize, program: &str) -> Command {
    let is_there = Command::new("taskset").arg("--version").output().is_ok();
    if !is_there {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string(), program]);
    command
}

/// Asks for that long.
///
/// # Errors
/// The server doesn't answer 200, or the tool can't be run.
pub fn run(server: SocketAddr, path: &str, lasts: Duration) -> Result<Load> {
    if is_wrk_there() {
        with_wrk(server, path, lasts)
    } else {
        by_hand(server, path, lasts)
    }
}

fn is_wrk_there() -> bool {
    // It ends with an error after its version.
    let asked = Command::new("wrk").arg("--version").output();
    !asked.is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

fn last_core() -> usize {
    std::thread::available_parallelism().map_or(0, |cores| cores.get() - 1)
}

fn with_wrk(server: SocketAddr, path: &str, lasts: Duration) -> Result<Load> {
    let said = pinned(last_core(), "wrk")
        .args(["-t1", "--latency"])
        .arg(format!("-c{CONNECTIONS}"))
        .arg(format!("-d{}s", lasts.as_secs()))
        .arg(format!("http://{server}{path}"))
        .output()?;
    let said = String::from_utf8(said.stdout)?;
    if said.contains("Non-2xx") || said.contains("Socket errors") {
        return Err(said.into());
    }
    let word_after = |label: &str| -> Result<&str> {
        let line = said.lines().find_map(|line| line.trim().strip_prefix(label));
        Ok(line
            .and_then(|rest| rest.split_whitespace().next())
            .ok_or_else(|| said.clone())?)
    };
    let rate: f64 = word_after("Requests/sec:")?.parse()?;
    let p99 = word_after("99%")?;
    let digits = p99.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match p99.trim_start_matches(digits) {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        unit => return Err(format!("wrk tells a time in {unit}").into()),
    };
    Ok(Load {
        requests: rate * lasts.as_secs_f64(),
        rate,
        p99: Duration::from_secs_f64(digits.parse::<f64>()? * unit),
    })
}

fn by_hand(server: SocketAddr, path: &str, lasts: Duration) -> Result<Load> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {server}\r\n\r\n");
    let began = Instant::now();
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let mut times: Vec<Duration> = runtime.block_on(async {
        let connections: Vec<_> = (0..CONNECTIONS)
            .map(|_| tokio::spawn(ask(server, request.clone(), began + lasts)))
            .collect();
        let mut times = Vec::new();
        for connection in connections {
            times.extend(connection.await??);
        }
        Result::Ok(times)
    })?;
    let took = began.elapsed().as_secs_f64();
    times.sort_unstable();
    Ok(Load {
        requests: times.len() as f64,
        rate: times.len() as f64 / took,
        p99: times.get(times.len() * 99 / 100).copied().unwrap_or_default(),
    })
}

/// One connection: how long each answer took.
async fn ask(server: SocketAddr, request: String, until: Instant) -> Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 512 * 1024];
    let mut times = Vec::new();
    // Answers of one server to one request are all of the same length.
    let mut length = None;
    while Instant::now() < until {
        let asked = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        let mut read = 0;
        while length.is_none_or(|length| read < length) {
            let room = buffer.get_mut(read..).filter(|room| !room.is_empty());
            let count = stream.read(room.ok_or("the answer is too long")?).await?;
            if count == 0 {
                return Err("the server closed the connection".into());
            }
            read += count;
            length = length.or_else(|| whole_length(buffer.get(..read)?));
        }
        times.push(asked.elapsed());
    }
    Ok(times)
}

/// How long the answer is that begins so, once its head is there.
fn whole_length(answer: &[u8]) -> Option<usize> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?.to_ascii_lowercase();
    let body: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))?
        .trim()
        .parse()
        .ok()?;
    Some(end + body)
}
