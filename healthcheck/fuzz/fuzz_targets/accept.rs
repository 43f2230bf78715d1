//! Parses arbitrary bytes as an `Accept` header. Asserts that the parsed media ranges are tokens of the header, in the
//! header's order, each with a weight that HTTP allows.
//!
//! Also asserts that negotiation never selects a format with an empty name.
#![no_main]

use healthcheck_axum::__fuzzing::{accept, negotiate};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let form = negotiate(bytes);
    assert!(form.is_none_or(|form| !form.is_empty()), "no form");
    let Ok(header) = str::from_utf8(bytes) else { return };
    let mut rest = header;
    let ranges = accept(header);
    assert!(ranges.len() <= 256, "more aren't read");
    for (kind, subkind, quality) in ranges {
        assert!(quality <= 1000, "{quality}");
        for part in [kind, subkind] {
            let is_token = |byte: u8| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte);
            assert!(
                !part.is_empty() && part.bytes().all(is_token),
                "{part:?} of {header:?}"
            );
            let (_, behind) = rest.split_once(part).expect("in the order of the header");
            rest = behind;
        }
    }
});
