//! The name and the version of the operating system's distribution.

use serde_json::Value;
#[cfg(any(target_os = "linux", feature = "sysinfo"))]
use serde_json::json;

/// Returns an object with the distribution's `id`, `name` and `version`, and with `pretty_name`, a text for people.
/// Returns `null` if there is no os-release file, for example in a container image that was built from scratch.
#[cfg(target_os = "linux")]
pub(crate) fn collect() -> Value {
    // If both files exist, the first takes precedence: see the manual page os-release(5).
    ["/etc/os-release", "/usr/lib/os-release"]
        .iter()
        .find_map(|path| std::fs::read(path).ok())
        .map_or(Value::Null, |text| describe(&String::from_utf8_lossy(&text)))
}

#[cfg(all(not(target_os = "linux"), feature = "sysinfo"))]
pub(crate) fn collect() -> Value {
    use sysinfo::System;
    json!({
        "id": System::distribution_id(),
        "name": System::name(),
        "version": System::os_version(),
        "pretty_name": System::long_os_version(),
    })
}

#[cfg(all(not(target_os = "linux"), not(feature = "sysinfo")))]
pub(crate) const fn collect() -> Value {
    Value::Null
}

#[cfg(target_os = "linux")]
fn describe(os_release: &str) -> Value {
    let value = |name: &str| {
        // The file may assign a name several times. As in a shell, the last assignment wins.
        os_release.lines().rev().find_map(|line| {
            let (key, value) = line.trim().split_once('=')?;
            (key == name).then(|| unquote(value))
        })
    };
    json!({
        // The manual page os-release(5) defines the defaults.
        "id": value("ID").unwrap_or_else(|| "linux".to_owned()),
        "name": value("NAME").unwrap_or_else(|| "Linux".to_owned()),
        "version": value("VERSION_ID"),
        "pretty_name": value("PRETTY_NAME").unwrap_or_else(|| "Linux".to_owned()),
    })
}

/// Removes the quotes of a value as a shell does. Text in single quotes is literal. In any other text, a backslash
/// escapes the next character.
#[cfg(target_os = "linux")]
fn unquote(value: &str) -> String {
    let quoted = |quote| {
        value
            .strip_prefix(quote)
            .and_then(|inner| inner.strip_suffix(quote))
    };
    if let Some(literal) = quoted('\'') {
        return literal.to_owned();
    }
    let mut unescaped = String::with_capacity(value.len());
    let mut characters = quoted('"').unwrap_or(value).chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => unescaped.extend(characters.next()),
            other => unescaped.push(other),
        }
    }
    unescaped
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn quoted_and_bare_values_are_read_and_comments_are_not() {
        let text = concat!(
            "# NAME=comment\n",
            "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
            "NAME='Debian GNU/Linux'\n",
            "VERSION_ID=\"12\"\n",
            "VERSION=\"12 (bookworm)\"\n",
            "ID=debian\n",
        );
        assert_eq!(
            describe(text),
            json!({
                "id": "debian",
                "name": "Debian GNU/Linux",
                "version": "12",
                "pretty_name": "Debian GNU/Linux 12 (bookworm)",
            })
        );
    }

    #[test]
    fn a_rolling_distribution_has_no_version_and_an_empty_file_the_defaults() {
        assert_eq!(describe("ID=arch\n")["version"], Value::Null);
        assert_eq!(describe("")["id"], "linux");
        assert_eq!(describe("=\n\"\nID\n")["name"], "Linux");
    }

    #[test]
    fn escapes_are_taken_away_and_a_lone_quote_stays() {
        assert_eq!(unquote(r#""a \"b\" \$c \\""#), r#"a "b" $c \"#);
        assert_eq!(unquote(r"'a\b'"), r"a\b");
        assert_eq!(unquote("\""), "\"");
        assert_eq!(unquote("end\\"), "end");
    }
}
