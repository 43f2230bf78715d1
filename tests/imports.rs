//! Tests that the files of each crate don't import each other in a circle. An import of a parent module doesn't count,
//! because the parent only holds its children together.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The path of a module, such as `["http", "ask"]`.
type Module = Vec<String>;

/// Collects the text of each file by its module, without tests and comments.
fn read(folder: &Path, module: &Module, found: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let child = [&module[..], std::slice::from_ref(&name)].concat();
        if path.is_dir() {
            read(&path, &child, found);
        } else if !name.contains("test") {
            let text = fs::read_to_string(&path).unwrap();
            let tests = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
            let code = text[..tests]
                .lines()
                .map(|line| line.split("//").next().unwrap().trim());
            let is_parent = ["mod", "lib"].contains(&&*name);
            let own = if is_parent { module.clone() } else { child };
            found.insert(own, code.collect::<Vec<_>>().join("\n"));
        }
    }
}

/// Returns the paths of a `use`: `crate::{a, b::{c, d}}` has the paths `crate::a`, `crate::b::c` and `crate::b::d`.
fn expand(text: &str) -> Vec<String> {
    let Some((head, inner)) = text.split_once('{') else {
        return vec![text.trim().to_owned()];
    };
    let (mut depth, mut members) = (0_usize, vec![String::new()]);
    for letter in inner.chars().take(inner.rfind('}').unwrap_or(inner.len())) {
        match letter {
            ',' if depth == 0 => members.push(String::new()),
            letter => {
                depth = depth + usize::from(letter == '{') - usize::from(letter == '}');
                members.last_mut().unwrap().push(letter);
            }
        }
    }
    let paths = members.iter().filter(|member| !member.trim().is_empty());
    let paths = paths.flat_map(|member| expand(member));
    paths.map(|path| format!("{}{path}", head.trim())).collect()
}

/// Returns the modules that the text of this module imports.
fn imports(module: &Module, text: &str, all: &BTreeMap<Module, String>) -> BTreeSet<Module> {
    // A `use` begins a line, also after `pub(crate)`. In other places, "use" is a word of a message.
    let lines = text.replace("\npub(crate) use ", "\nuse ");
    let uses = lines
        .split("\nuse ")
        .skip(1)
        .filter_map(|rest| rest.split(';').next());
    let words = text.split(|letter: char| !letter.is_alphanumeric() && !":_".contains(letter));
    let paths = uses.flat_map(expand).chain(words.map(str::to_owned));
    let absolute = paths.filter_map(|path| {
        let mut parts: Module = path.split("::").map(|part| part.trim().to_owned()).collect();
        let base = match &*parts[0] {
            "crate" => 0,
            "super" => module.len() - parts.iter().take_while(|part| *part == "super").count(),
            _ => return None,
        };
        parts.retain(|part| part != "super" && part != "crate");
        Some([&module[..base], &parts].concat())
    });
    let files = absolute.filter_map(|mut path: Module| {
        while !path.is_empty() && !all.contains_key(&path) {
            path.pop();
        }
        (!path.is_empty() && !module.starts_with(&path)).then_some(path)
    });
    files.collect()
}

#[test]
fn no_files_of_a_crate_import_each_other_in_a_circle() {
    for name in ["healthcheck", "healthcheck-axum", "healthcheck-macros"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
        let mut all = BTreeMap::new();
        read(&folder.join("src"), &Vec::new(), &mut all);
        let mut left: BTreeMap<_, _> = all
            .iter()
            .map(|(module, text)| (module.clone(), imports(module, text, &all)))
            .collect();
        assert!(left.values().map(BTreeSet::len).sum::<usize>() > 20, "{name}");
        // Removes the files that import nothing that is left. Only the files of circles, and those that import them,
        // stay.
        loop {
            let known: BTreeSet<Module> = left.keys().cloned().collect();
            let before = left.len();
            left.retain(|_, on| on.iter().any(|on| known.contains(on)));
            if left.len() == before {
                break;
            }
        }
        assert!(left.is_empty(), "{name}: {left:#?}");
    }
}
