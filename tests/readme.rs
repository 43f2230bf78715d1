//! Tests that the programs in the README compile unchanged, in a crate that has only the documented dependencies.
//!
//! Also tests the links in the README and the docs. Each link to a file must lead to an existing file.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

const README: &str = include_str!("../README.md");

/// Returns the contents of all code blocks in the README that are in this language.
fn blocks(language: &str) -> Vec<&str> {
    let begin = format!("\n```{language}\n");
    let parts = README.split(&begin).skip(1);
    parts.map(|part| part.split("\n```").next().unwrap()).collect()
}

#[test]
fn the_programs_of_the_readme_compile_with_its_dependencies_as_they_are_pasted() {
    let repository = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    // The folder `newcomer` with the compiled dependencies remains after the test. So the next run of the test doesn't
    // compile the dependencies again.
    let newcomer = Path::new(env!("CARGO_TARGET_TMPDIR")).join("newcomer");
    let programs = newcomer.join("src/bin");
    let _ = fs::remove_dir_all(&programs);
    fs::create_dir_all(&programs).unwrap();
    for (number, program) in blocks("rust").iter().enumerate() {
        fs::write(programs.join(format!("program{number}.rs")), program).unwrap();
    }
    assert_eq!(blocks("rust").len(), 2, "one with an axum app, one without HTTP");

    let [dependencies] = blocks("toml")[..] else {
        panic!("one list of dependencies");
    };
    let here = format!("\"{}/", repository.canonicalize().unwrap().display());
    let dependencies = dependencies.replace("\"../healthcheck/", &here);
    let package = "[package]\nname = \"newcomer\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
    fs::write(
        newcomer.join("Cargo.toml"),
        format!("{package}\n{dependencies}\n"),
    )
    .unwrap();
    fs::copy(repository.join("Cargo.lock"), newcomer.join("Cargo.lock")).unwrap();

    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let checked = Command::new(cargo)
        .args(["check", "--offline", "--bins", "--target-dir", "target"])
        .current_dir(&newcomer)
        .output()
        .unwrap();
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
}

#[test]
fn every_link_to_a_file_leads_to_one() {
    let repository = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut pages = vec![repository.to_owned(), repository.join("docs")];
    let mut links = 0;
    while let Some(folder) = pages.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let page = entry.unwrap().path();
            if page.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            let text = fs::read_to_string(&page).unwrap();
            let ends = [("](", ')'), ("src=\"", '"'), ("srcset=\"", '"')];
            for (begin, end) in ends {
                for link in text.split(begin).skip(1) {
                    let target = link.split(end).next().unwrap();
                    if !target.contains("://") && !target.contains(' ') {
                        assert!(folder.join(target).exists(), "{}: {target}", page.display());
                        links += 1;
                    }
                }
            }
        }
    }
    assert!(links > 10, "{links}");
}
