//! Asserts that any query is either parsed or rejected. If we write a parsed query and parse it again, the result is
//! the same.
#![no_main]

use std::collections::BTreeSet;

use form_urlencoded::Serializer;
use healthcheck_axum::__fuzzing::{Asked, query};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|raw: &str| {
    let Some(asked) = query(raw) else { return };
    assert!(raw.len() <= 32 * 1024, "a longer query is refused");
    for names in [&asked.checks, &asked.tags, &asked.excluded] {
        assert!(names.len() <= 1024, "more parameters are refused");
        let different: BTreeSet<_> = names.iter().collect();
        assert_eq!(different.len(), names.len(), "each name counts once: {names:?}");
        assert!(
            !names.iter().any(|name| name.chars().any(char::is_control)),
            "{names:?}"
        );
    }
    let written = written(&asked);
    // Percent-encoding can make the written query longer than 32 KiB. The parser rejects a query of that length.
    if written.len() <= 32 * 1024 {
        assert_eq!(query(&written).as_ref(), Some(&asked), "{raw:?}\n{written:?}");
    }
});

fn written(asked: &Asked) -> String {
    let mut form = Serializer::new(String::new());
    for (name, values) in [
        ("check", &asked.checks),
        ("tag", &asked.tags),
        ("exclude", &asked.excluded),
    ] {
        form.extend_pairs(values.iter().map(|value| (name, value)));
    }
    form.extend_pairs(asked.format.iter().map(|format| ("format", format)));
    form.append_pair("verbose", if asked.verbose { "true" } else { "false" });
    form.finish()
}
