//! Starts a server as a child process and puts load on it. If the machine has at least two cores, the server and the
//! load run on different cores.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use crate::client::Client;
use crate::{Result, process};

/// The number of connections over which a load sends its requests.
pub const CONNECTIONS: usize = 64;

/// The first command-line argument of a bench process that runs as a server. The name of the server and a number follow
/// as the next arguments.
const SERVER: &str = "as-server";
/// The first command-line argument of a bench process that puts load on a server. The address, the path and the
/// duration in milliseconds follow as the next arguments.
const LOAD: &str = "as-load";

/// The role of this process. A bench runs its own binary again as a child process, for the server and for the load.
#[derive(Clone, Debug)]
pub enum Role {
    /// This process is the bench itself.
    Bench,
    /// This process is a child process of the bench, and has to run the server with this name. The number is an
    /// argument for the server.
    Server(String, usize),
}

/// Determines the role of this process from its command-line arguments. If the arguments tell this process to put load
/// on a server, this function sends the requests and then exits the process.
///
/// # Errors
/// Returns an error if the arguments are invalid, or if the load fails.
pub fn role() -> Result<Role> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        [SERVER, name, argument] => Ok(Role::Server(name.to_owned(), argument.parse()?)),
        [LOAD, addr, path, span] => {
            let load = own(addr.parse()?, path, Duration::from_millis(span.parse()?))?;
            let Load {
                requests,
                rate,
                p50,
                p99,
                ..
            } = load;
            tell(format_args!("{requests} {rate} {p50} {p99}"));
            std::process::exit(0)
        }
        _ => Ok(Role::Bench),
    }
}

/// Prints a line to standard output. The parent process waits for this line.
#[allow(clippy::print_stdout)]
pub fn tell(what: impl std::fmt::Display) {
    println!("{what}");
}

/// A server that runs in a child process of this bench. Dropping this value ends the process.
#[derive(Debug)]
pub struct Server {
    process: Child,
    addr: SocketAddr,
    second: Option<SocketAddr>,
}

impl Server {
    /// Starts the binary of this bench again as the server with this name, on one core. Waits until the server has
    /// printed its address.
    ///
    /// # Errors
    /// Returns an error if the server doesn't start.
    pub fn start(name: &str, argument: usize) -> Result<Self> {
        Self::by(on_core(1, &this_bench()?), name, argument)
    }

    /// Starts the binary of this bench again as the server with this name. The server may use all cores.
    ///
    /// # Errors
    /// Returns an error if the server doesn't start.
    pub fn anywhere(name: &str, argument: usize) -> Result<Self> {
        Self::by(Command::new(this_bench()?), name, argument)
    }

    fn by(mut command: Command, name: &str, argument: usize) -> Result<Self> {
        let mut process = command
            .args([SERVER, name, &argument.to_string()])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let told = process.stdout.take().ok_or("a server without output")?;
        BufReader::new(told).read_line(&mut line)?;
        let mut addrs = line.split_whitespace().map(str::parse);
        let addr = addrs.next().ok_or("a server that tells no address")??;
        let second = addrs.next().transpose()?;
        Ok(Self {
            process,
            addr,
            second,
        })
    }

    /// Returns the first address that the server has printed.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the second address that the server has printed, if there is one.
    #[must_use]
    pub const fn second(&self) -> Option<SocketAddr> {
        self.second
    }

    /// Returns the process id of the server.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends GET requests for this path to the server, over 64 connections, until the time `span` has passed. Returns
    /// the figures of this load.
    ///
    /// # Errors
    /// Returns an error if the load fails, or if an answer isn't 2xx.
    pub fn load(&self, path: &str, span: Duration) -> Result<Load> {
        let before = process::cpu_of_threads(self.id())?;
        let load = if is_there("wrk") {
            wrk(self.addr, path, span)?
        } else {
            own_on_core(self.addr, path, span)?
        };
        let cpu = process::cpu_of_threads(self.id())? - before;
        let requests = load.requests.max(1.0);
        Ok(Load {
            cpu: cpu.as_nanos() as f64 / requests,
            ..load
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The figures that a load on a server has measured.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The number of answers that the clients received.
    pub requests: f64,
    /// Answers per second.
    pub rate: f64,
    /// The median response time in milliseconds.
    pub p50: f64,
    /// The response time in milliseconds that 99 % of the answers don't exceed.
    pub p99: f64,
    /// The processor time that the server used for each answer, in nanoseconds.
    pub cpu: f64,
}

/// Returns a remark that a bench prints. The remark says which program puts load on the server, and whether the program
/// and the server run on different cores.
#[must_use]
pub fn by_whom() -> &'static str {
    match (is_there("wrk"), pins()) {
        (true, true) => "wrk -t1 -c64 on one core, the server on the other",
        (true, false) => "wrk -t1 -c64, nothing pinned",
        (false, true) => "64 connections of the bench's own on one core, the server on the other",
        (false, false) => "64 connections of the bench's own, nothing pinned",
    }
}

fn this_bench() -> Result<String> {
    Ok(env::current_exe()?.to_string_lossy().into_owned())
}

fn pins() -> bool {
    is_there("taskset") && thread::available_parallelism().is_ok_and(|cores| cores.get() > 1)
}

fn is_there(program: &str) -> bool {
    let paths = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&paths).any(|path| path.join(program).is_file())
}

/// Returns a command that runs the program only on this core, if the machine allows it.
///
/// The command `taskset` replaces itself with the program. So the id of the command's process is the id of the
/// program's process.
fn on_core(core: usize, program: &str) -> Command {
    if !pins() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string(), program]);
    command
}

fn wrk(addr: SocketAddr, path: &str, span: Duration) -> Result<Load> {
    let output = on_core(0, "wrk")
        .args(["-t1", &format!("-c{CONNECTIONS}"), "--latency"])
        .arg(format!("-d{}s", span.as_secs().max(1)))
        .arg(format!("http://{addr}{path}"))
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    if !output.status.success() || text.contains("Non-2xx") || text.contains("Socket errors") {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("wrk says: {text}{said}").into());
    }
    let after = |name: &str| {
        let line = text.lines().find_map(|line| line.trim_start().strip_prefix(name));
        line.map(str::trim)
            .ok_or_else(|| format!("wrk doesn't tell {name} in: {text}"))
    };
    let requests = text.lines().find_map(|line| line.split_once(" requests in "));
    let requests = requests.ok_or("wrk doesn't tell the requests")?.0;
    Ok(Load {
        requests: requests.trim().parse()?,
        rate: after("Requests/sec:")?.parse()?,
        p50: milliseconds(after("50%")?)?,
        p99: milliseconds(after("99%")?)?,
        cpu: 0.0,
    })
}

/// Parses a time in the format of the program wrk, such as "470.00us", "1.20ms" or "1.00s". Returns milliseconds.
fn milliseconds(text: &str) -> Result<f64> {
    let unit = text
        .find(|letter: char| letter.is_alphabetic())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let number: f64 = number.parse()?;
    match unit {
        "us" => Ok(number / 1e3),
        "ms" => Ok(number),
        "s" => Ok(number * 1e3),
        _ => Err(format!("wrk tells a time as {text}").into()),
    }
}

fn own_on_core(addr: SocketAddr, path: &str, span: Duration) -> Result<Load> {
    let output = on_core(0, &this_bench()?)
        .args([LOAD, &addr.to_string(), path, &span.as_millis().to_string()])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text
        .split_whitespace()
        .map(str::parse)
        .collect::<std::result::Result<_, _>>()?;
    match *numbers {
        [requests, rate, p50, p99] => Ok(Load {
            requests,
            rate,
            p50,
            p99,
            cpu: 0.0,
        }),
        _ => Err(String::from_utf8_lossy(&output.stderr).into()),
    }
}

/// Puts load on the server if the program wrk isn't installed. Like wrk, it uses 64 connections and one thread.
fn own(addr: SocketAddr, path: &str, span: Duration) -> Result<Load> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        let began = Instant::now();
        for _ in 0..CONNECTIONS {
            let path = path.to_owned();
            tasks.spawn(async move {
                let mut client = Client::connect(addr).await?;
                let mut times = Vec::new();
                while began.elapsed() < span {
                    let asked = Instant::now();
                    let status = client.get(&path).await?;
                    if !(200..300).contains(&status) {
                        return Err(format!("an answer was {status}").into());
                    }
                    times.push(asked.elapsed());
                }
                Result::Ok(times)
            });
        }
        let mut times = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            times.extend(ended??);
        }
        let took = began.elapsed().as_secs_f64();
        let requests = times.len() as f64;
        Ok(Load {
            requests,
            rate: requests / took,
            p50: percentile(&mut times, 50),
            p99: percentile(&mut times, 99),
            cpu: 0.0,
        })
    })
}

/// Returns a percentile of the times in milliseconds: with `of_hundred` 50, for example, the median. Returns 0 if there
/// are no times.
#[must_use]
pub fn percentile(times: &mut [Duration], of_hundred: usize) -> f64 {
    times.sort_unstable();
    let place = (times.len() * of_hundred).div_ceil(100).saturating_sub(1);
    times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}
