//! Packages that a bench writes, builds and runs: ten thousand registrations, or an app with and without the library.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::{Result, process};

/// A package of its own workspace, in the temporary directory.
#[derive(Clone, Debug)]
pub struct Package {
    root: PathBuf,
}

impl Package {
    /// Writes the package anew: its dependencies as they stand in a manifest (`{workspace}` is this workspace), and
    /// its sources by their paths. What was built before is kept.
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
        // The versions of this workspace, which are there already.
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

    /// Builds it for release; gives the seconds of processor time that this took.
    ///
    /// # Errors
    /// What cargo says.
    pub fn build(&self) -> Result<f64> {
        let before = process::cpu_of_children()?;
        self.cargo(&["build", "--release", "--quiet", "--offline"])?;
        Ok((process::cpu_of_children()? - before).as_secs_f64())
    }

    /// Forgets all that was built.
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

    /// The packages that it is built of, without itself: on this platform, for the binary or while building.
    ///
    /// # Errors
    /// What cargo says.
    pub fn packages(&self) -> Result<BTreeSet<String>> {
        let tree = self.cargo(&["tree", "--offline", "--prefix", "none", "--edges", "normal,build"])?;
        let named = tree.lines().skip(1).filter(|line| !line.is_empty());
        // The version stands for the package, "(*)" and "(proc-macro)" after it don't.
        let named = named.map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "));
        Ok(named.collect())
    }

    /// One of its binaries.
    #[must_use]
    pub fn binary(&self, name: &str) -> PathBuf {
        let file = format!("{name}{}", env::consts::EXE_SUFFIX);
        self.root.join("target/release").join(file)
    }

    fn cargo(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .current_dir(&self.root)
            // A directory of its own, whatever the caller's is.
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
