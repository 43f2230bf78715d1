//! Generates and builds packages for the benches: programs with thousands of registered checks, and applications with
//! and without the library.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::{Result, process};

/// A generated package in the temporary directory. The package is a workspace of its own.
#[derive(Clone, Debug)]
pub struct Package {
    root: PathBuf,
}

impl Package {
    /// Writes the files of the package. If the package has been built before, keeps its build output.
    ///
    /// `dependencies` contains lines for the package's `Cargo.toml`. In these lines, `{workspace}` stands for the path
    /// of this repository's workspace. `sources` contains the path and the text of each source file.
    ///
    /// # Errors
    /// Returns an error if the files can't be written.
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
        // The package gets a copy of this workspace's lock file. All packages in this file are already downloaded, so
        // the build works offline.
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

    /// Builds the package with the release profile. Returns the processor time of the build in seconds.
    ///
    /// # Errors
    /// Returns an error with the message of cargo if the build fails.
    pub fn build(&self) -> Result<f64> {
        let before = process::cpu_of_children()?;
        self.cargo(&["build", "--release", "--quiet", "--offline"])?;
        Ok((process::cpu_of_children()? - before).as_secs_f64())
    }

    /// Removes the build output of this package.
    ///
    /// # Errors
    /// Returns an error if the files can't be removed.
    pub fn clean(&self) -> Result {
        let target = self.root.join("target");
        if target.exists() {
            fs::remove_dir_all(target)?;
        }
        Ok(())
    }

    /// Returns the packages that cargo compiles on this platform when it builds this package, including dependencies of
    /// build scripts. The list doesn't contain this package itself.
    ///
    /// # Errors
    /// Returns an error with the message of cargo if `cargo tree` fails.
    pub fn packages(&self) -> Result<BTreeSet<String>> {
        let tree = self.cargo(&["tree", "--offline", "--prefix", "none", "--edges", "normal,build"])?;
        let named = tree.lines().skip(1).filter(|line| !line.is_empty());
        // A line is "name version", sometimes followed by "(*)" or "(proc-macro)". Keep only the name and the version.
        let named = named.map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "));
        Ok(named.collect())
    }

    /// Returns the path of the package's release binary with this name.
    #[must_use]
    pub fn binary(&self, name: &str) -> PathBuf {
        let file = format!("{name}{}", env::consts::EXE_SUFFIX);
        self.root.join("target/release").join(file)
    }

    fn cargo(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .current_dir(&self.root)
            // The environment of the bench may contain `CARGO_TARGET_DIR`. This line overrides that variable, so that
            // each package has its own target directory.
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
