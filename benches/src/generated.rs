//! Generates and builds packages for the benches: programs with thousands of registrations, and an application with and
//! without the library.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::{Result, process};

/// A package in the temporary directory, in its own workspace.
#[derive(Clone, Debug)]
pub struct Package {
    root: PathBuf,
}

impl Package {
    /// Writes the package. `dependencies` are lines of a manifest, in which `{workspace}` stands for the path of this
    /// workspace. `sources` are pairs of path and text. Keeps the build output of an earlier run.
    ///
    /// # Errors
    /// The files can't be written.
    pub fn write(name: &str, dependencies: &str, sources: &[(&str, String)]) -> Result<Self> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
        let root = env::temp_dir().join("healthcheck-benches").join(name);
        let dependencies = dependencies.replace("{workspace}", &workspace.to_string_lossy());
        let manifest = format!(
            "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}\n\
             [profile.release]\nstrip = true\n\n[workspace]\n"
        );
        let this = Self { root };
        if this.root.join("src").exists() {
            fs::remove_dir_all(this.root.join("src"))?;
        }
        this.put("Cargo.toml", &manifest)?;
        // The dependencies in the lock file of this workspace are already downloaded, so the build works offline.
        this.put("Cargo.lock", &fs::read_to_string(workspace.join("Cargo.lock"))?)?;
        for (path, text) in sources {
            this.put(path, text)?;
        }
        Ok(this)
    }

    fn put(&self, path: &str, text: &str) -> Result {
        let path = self.root.join(path);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(path, text)?;
        Ok(())
    }

    /// Builds the package for release. Returns the processor time of the build in seconds.
    ///
    /// # Errors
    /// The build fails. The error is the message of cargo.
    pub fn build(&self) -> Result<f64> {
        let before = process::cpu_of_children()?;
        self.cargo(&["build", "--release", "--quiet", "--offline"])?;
        Ok((process::cpu_of_children()? - before).as_secs_f64())
    }

    /// Removes the build output.
    ///
    /// # Errors
    /// The files can't be removed.
    pub fn clean(&self) -> Result {
        let target = self.root.join("target");
        if target.exists() {
            fs::remove_dir_all(target)?;
        }
        Ok(())
    }

    /// Returns the packages that a build of this package compiles on this platform, for the binary and for build scripts.
    /// The list doesn't contain the package itself.
    ///
    /// # Errors
    /// `cargo tree` fails. The error is the message of cargo.
    pub fn packages(&self) -> Result<BTreeSet<String>> {
        let tree = self.cargo(&["tree", "--offline", "--prefix", "none", "--edges", "normal,build"])?;
        let named = tree.lines().skip(1).filter(|line| !line.is_empty());
        // Keeps the name and version of each package, and removes a "(*)" or "(proc-macro)" after them.
        let named = named.map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "));
        Ok(named.collect())
    }

    /// Returns the path of a binary of the package.
    #[must_use]
    pub fn binary(&self, name: &str) -> PathBuf {
        let file = format!("{name}{}", env::consts::EXE_SUFFIX);
        self.root.join("target/release").join(file)
    }

    fn cargo(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .current_dir(&self.root)
            // The package has its own target directory, even if the caller sets another one.
            .env("CARGO_TARGET_DIR", self.root.join("target"))
            .env("CARGO_INCREMENTAL", "0")
            .output()?;
        if !output.status.success() {
            let problem = String::from_utf8_lossy(&output.stderr);
            return Err(problem.chars().take(2_000).collect::<String>().into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}
