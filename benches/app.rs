//! Measures what the library costs an axum application: additional packages, processor time of the build, size of the
//! binary, and memory of the idle process.
//!
//! `cargo bench -p healthcheck-benches --bench app` runs this bench. It takes a few minutes, because it runs nine
//! release builds.
//!
//! The bench generates three applications (`src/apps.rs`): one without the library, one that merges the library's
//! routes into its own router, and one that calls the library's `serve`. The library has its default features. All
//! dependencies have the versions of this workspace's lock file.
//!
//! The bench builds each application three times. Each build starts from scratch and strips the binary. The processor
//! time of a build includes cargo and the compilers.
//!
//! After the builds, the bench starts each application eleven times. One second after the first answer of an
//! application, the bench reads its resident memory. Most of this memory holds pages of the binary file, which the
//! kernel can reclaim.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use healthcheck_benches::generated::Package;
use healthcheck_benches::pairs::Pairs;
use healthcheck_benches::process::Held;
use healthcheck_benches::{Result, apps, figure, process};

const BUILDS: usize = 3;
const STARTS: usize = 11;

fn main() -> Result {
    figure::heading("An axum application with the library, of the bare one");
    let bare = apps::bare()?;
    let with = [("merged", apps::merged()?), ("served", apps::served()?)];
    for (name, package) in &with {
        let more = package.packages()?.difference(&bare.packages()?).count();
        figure::at_most(&format!("{name}: packages more"), more as f64, 10.0, "");
    }
    let [mut merged, mut served] = [Pairs::default(), Pairs::default()];
    for _ in 0..BUILDS {
        let built = [built(&bare)?, built(&with[0].1)?, built(&with[1].1)?];
        merged.push(built[1], built[0]);
        served.push(built[2], built[0]);
    }
    for (name, pairs) in [("merged", &merged), ("served", &served)] {
        figure::at_most(
            &format!("{name}: processor time of the build"),
            pairs.ratio(),
            1.3,
            "×",
        );
        figure::note(format_args!(
            "{:.1} s against {:.1} s",
            pairs.ours(),
            pairs.theirs()
        ));
    }
    for (name, package) in &with {
        let more = size(package, name)?.saturating_sub(size(&bare, "bare")?);
        figure::at_most(
            &format!("{name}: stripped binary"),
            more as f64 / 1e3,
            500.0,
            "KB",
        );
    }
    let mut held: [[Pairs; 2]; 2] = Default::default();
    for _ in 0..STARTS {
        let theirs = idle(&bare, "bare")?;
        for ((name, package), [all, anonymous]) in with.iter().zip(&mut held) {
            let ours = idle(package, name)?;
            all.push(ours.memory as f64, theirs.memory as f64);
            anonymous.push(ours.anonymous as f64, theirs.anonymous as f64);
        }
    }
    for ((name, _), [all, anonymous]) in with.iter().zip(&held) {
        figure::at_most(&format!("{name}: idle memory"), all.difference() / 1e6, 1.0, "MB");
        figure::note(format_args!(
            "{:.2} MB against {:.2} MB; without the pages of the binary {:.2} MB more",
            all.ours() / 1e6,
            all.theirs() / 1e6,
            anonymous.difference() / 1e6
        ));
    }
    Ok(())
}

fn built(package: &Package) -> Result<f64> {
    package.clean()?;
    package.build()
}

fn size(package: &Package, name: &str) -> Result<u64> {
    Ok(fs::metadata(package.binary(name))?.len())
}

/// Starts the application, sends it one request, and waits for one second after the answer. Returns the resources that
/// the application uses then.
fn idle(package: &Package, name: &str) -> Result<Held> {
    let mut app = Command::new(package.binary(name))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut asked = || {
        let stdout = app.stdout.take().ok_or("an application without an output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let path = if name == "merged" { "/healthcheck" } else { "/" };
        let mut stream = TcpStream::connect(line.trim())?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if !answer.starts_with("HTTP/1.1 200") {
            return Err(answer.into());
        }
        thread::sleep(Duration::from_secs(1));
        process::held(app.id())
    };
    let found = asked();
    app.kill()?;
    app.wait()?;
    found
}
