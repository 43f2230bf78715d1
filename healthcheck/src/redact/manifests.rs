//! Kubernetes Secrets in YAML: every value of theirs is secret, whatever its name.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::blocks;
use super::bytes::{at, before, line_end, run_of, set};
use super::scan::Scan;

static KIND: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"kind: "));

pub(super) fn find(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let is_secret = KIND.find_iter(bytes).any(|kind| {
        let name = run_of(
            bytes,
            kind + "kind: ".len(),
            set!(|byte| matches!(byte, b'"' | b'\'')),
        );
        bytes.get(name..name + "Secret".len()) == Some(b"Secret")
            && !at(bytes, name + "Secret".len()).is_ascii_alphanumeric()
    });
    if !is_secret {
        return;
    }
    let mut line = 0;
    while line < bytes.len() {
        let end = line_end(bytes, line);
        let start = run_of(bytes, line, set!(|byte| matches!(byte, b' ' | b'-')));
        let text = scan.part(start, end).trim_end();
        if matches!(text, "data:" | "stringData:") && matches!(before(bytes, line), 0 | b'\n' | b'\r') {
            blocks::hide_below(scan, start, end, false);
        }
        line = end + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::redact;

    #[test]
    fn the_data_of_a_secret_goes() {
        let text = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\ndata:\n  db: c2VjcmV0\n  url: c2Vj\ntype: Opaque\n";
        let shown = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\ndata:\n  db: ********\n  url: ********\ntype: Opaque\n";
        assert_eq!(redact(text), shown);
        let map = "kind: ConfigMap\ndata:\n  db: c2VjcmV0\n";
        assert_eq!(redact(map), map);
    }
}
