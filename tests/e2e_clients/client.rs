//! Runs a program of another project, such as a load balancer, with a configuration from `examples`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The maximum time for which these tests wait for anything. A test that passes waits for a shorter time.
pub const LIMIT: Duration = Duration::from_secs(60);

/// A program of another project that runs as a child process. Dropping this value ends the process.
pub struct Client {
    child: Child,
    log: PathBuf,
}

impl Client {
    /// Starts the program in `folder`. The program's output goes into a file in this folder.
    pub fn start(command: &mut Command, folder: &Path) -> Self {
        let log = folder.join("output.log");
        let output = File::create(&log).unwrap();
        let child = command
            .current_dir(folder)
            .env("HOME", folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn();
        let child = child.unwrap_or_else(|error| missing(command, &error));
        Self { child, log }
    }

    /// Returns everything that the program has printed so far.
    pub fn output(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until `holds` returns true. Panics if the program ends before that, or if `holds` is still false after
    /// `LIMIT`.
    pub fn wait_until(&mut self, what: &str, mut holds: impl FnMut() -> bool) {
        let end = Instant::now() + LIMIT;
        while !holds() {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended before {what}: {}", self.output());
            assert!(Instant::now() < end, "not in time: {what}; {}", self.output());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program with these arguments, with which it prints its version. Prints this version to the output of the
/// test.
pub fn print_version(program: &str, arguments: &[&str]) {
    let mut command = Command::new(program);
    command.args(arguments);
    let output = command.output().unwrap_or_else(|error| missing(&command, &error));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let version = said
        .lines()
        .find(|line| line.contains(|c: char| c.is_ascii_digit()));
    println!("against {program}: {}", version.expect("a version"));
}

fn missing(command: &Command, error: &std::io::Error) -> ! {
    panic!(
        "{:?}: {error}; .ci/install-clients installs it",
        command.get_program()
    )
}

/// Returns the text of a file in `examples`. Replaces the addresses in the file with the addresses that the test uses.
pub fn example(name: &str, replacements: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples")
        .join(name);
    let mut text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for (documented, ours) in replacements {
        assert!(text.contains(documented), "{name} has no `{documented}`");
        text = text.replace(documented, ours);
    }
    text
}
