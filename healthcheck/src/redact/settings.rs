//! Values that are no secrets whatever stands beside them: truth values, paths, states, placeholders.

use super::bytes::{ALNUM, DIGIT, LETTER, at, follows, in_order, is, lower_case};
use super::entropy::looks_random;
use super::sieve::{Sieve, of_table};

/// What a scheme, a store or a desktop is called, where the name beside it says `auth` or `session`. Sorted.
#[rustfmt::skip]
const SCHEMES: &[&str] = &[
    "abac", "activedirectory", "ad", "all", "anonymous", "any", "apache", "api_key", "apikey", "approle",
    "auth0", "aws", "azure", "basic", "bearer", "builtin", "cache", "cas", "cert", "certificate", "clerk",
    "client", "cluster", "cognito", "consul", "cookie", "cram-md5", "database", "db", "default", "digest",
    "django", "dynamodb", "external", "file", "filesystem", "firebase", "form", "forms", "forward",
    "forward_auth", "gcp", "github", "gitlab", "gnome", "google", "gssapi", "hmac", "htpasswd", "http",
    "https", "iam", "instance", "integrated", "internal", "jdbc", "jwks", "jwt", "kde", "kerberos", "key",
    "keycloak", "kubernetes", "lax", "ldap", "ldaps", "local", "login", "md5", "memcached", "memory", "mixed",
    "mongodb", "mtls", "mysql", "native", "negotiate", "noauth", "node", "none", "ntlm", "oauth", "oauth2",
    "oidc", "okta", "pam", "pass", "passport", "password", "peer", "pki", "plain", "plaintext", "plasma",
    "plugin", "postgres", "private", "proxy", "public", "publickey", "radius", "rbac", "redis", "saml",
    "scram", "scram-sha-256", "scram-sha-512", "self", "server", "session", "shibboleth", "simple", "socket",
    "spnego", "sql", "sqlite", "ssl", "sso", "starttls", "static", "strict", "system", "tls", "token",
    "trust", "ubuntu", "unix", "userpass", "vault", "wayland", "windows", "x11", "x509", "xfce", "xubuntu",
];

/// What a log, a validator or a server says of a secret instead of the secret. Sorted.
#[rustfmt::skip]
const STATES: &[&str] = &[
    "absent", "accepted", "active", "allowed", "any", "approved", "available", "bad", "blank", "cached",
    "changed", "checked", "completed", "configured", "connected", "correct", "created", "degraded", "deleted",
    "denied", "deprecated", "disabled", "done", "empty", "enabled", "error", "exists", "expired", "expires",
    "expiring", "fail", "failed", "failure", "false", "forbidden", "found", "granted", "healthy", "hidden",
    "ignored", "inactive", "incorrect", "invalid", "issued", "loaded", "locked", "malformed", "masked",
    "match", "mismatch", "mismatched", "missing", "must", "n/a", "needed", "never", "nil", "no", "none",
    "not", "null", "off", "ok", "okay", "on", "open", "optional", "passed", "pending", "permitted", "present",
    "provided", "reachable", "ready", "redacted", "refreshed", "rejected", "removed", "renewed", "required",
    "revoked", "rotated", "running", "set", "should", "skipped", "started", "stopped", "str", "string",
    "succeeded", "success", "successful", "too", "true", "unavailable", "undefined", "unhealthy", "unknown",
    "unreachable", "unset", "unsupported", "up", "used", "using", "valid", "value", "verified", "weak",
    "wrong", "yes",
];

static SCHEMES_SIEVE: Sieve = of_table!(Sieve: SCHEMES);
static STATES_SIEVE: Sieve = of_table!(Sieve: STATES);

const LONGEST_WORD: usize = 16;
const LONGEST_SETTING: usize = 256;

/// Nothing, or what this or another redactor left of a secret.
pub(super) fn is_masked(value: &str) -> bool {
    let inner = value.trim_start_matches(['[', '<', '(']).as_bytes();
    value.bytes().all(|byte| byte == b'*')
        || value == "…"
        || ["redacted", "filtered", "masked", "hidden"]
            .iter()
            .any(|word| follows(inner, 0, word) && !is(at(inner, word.len()), ALNUM))
}

/// A place where a secret goes: `${DB_PASSWORD}`, `{{ password }}`, `<password>`, `$PASSWORD`, `%s`.
pub(super) fn is_placeholder(value: &str) -> bool {
    let wrapped = |open: &str, close: &str| {
        value.len() > open.len() + close.len()
            && value
                .strip_prefix(open)
                .and_then(|rest| rest.strip_suffix(close))
                .is_some_and(is_plain)
    };
    wrapped("${", "}")
        || wrapped("$(", ")")
        || wrapped("{{", "}}")
        || wrapped("<", ">")
        || wrapped("${{", "}}")
        || value.strip_prefix('$').is_some_and(|name| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit())
        })
        || matches!(value, "%s" | "%v" | "%q" | "{}" | "{:?}" | "_")
}

fn is_plain(inside: &str) -> bool {
    !looks_random(inside, 8)
        && inside
            .bytes()
            .all(|byte| is(byte, ALNUM) || matches!(byte, b'_' | b'-' | b'.' | b' ' | b':' | b'?'))
}

/// A truth value or nothing, as people write them.
pub(super) fn is_truth(value: &str) -> bool {
    [
        "",
        "true",
        "false",
        "yes",
        "no",
        "on",
        "off",
        "none",
        "null",
        "nil",
        "undefined",
        "enabled",
        "disabled",
    ]
    .iter()
    .any(|word| word.eq_ignore_ascii_case(value))
}

/// A word that says how it is with a secret: `password: required`, `(using password: YES)`, `token=expired`.
pub(super) fn is_state(value: &str) -> bool {
    in_table(value.trim_end_matches(['.', '!', '?']), STATES, &STATES_SIEVE)
}

fn in_table(value: &str, table: &[&str], sieve: &Sieve) -> bool {
    lower_case(value.as_bytes(), &mut [0; LONGEST_WORD]).is_some_and(|lower| {
        sieve.may_have(lower) && table.binary_search_by(|known| in_order(known, lower)).is_ok()
    })
}

/// A path of the file system, or an address of something that is not the secret itself.
pub(super) fn is_path(value: &str) -> bool {
    let bytes = value.as_bytes();
    let rooted = matches!(at(bytes, 0), b'/')
        || value.starts_with("./")
        || value.starts_with("../")
        || value.starts_with("~/")
        || value.starts_with("file:")
        || value.starts_with("unix:/")
        || value.starts_with("\\\\")
        || is(at(bytes, 0), LETTER) && at(bytes, 1) == b':' && matches!(at(bytes, 2), b'\\' | b'/');
    if value.starts_with("arn:") {
        return true;
    }
    rooted
        && value.len() <= LONGEST_SETTING
        && value.split(['/', '\\']).all(|segment| {
            !(segment.ends_with('=')
                || segment.contains('+')
                || !segment.contains('.') && looks_random(segment, 6))
        })
}

/// Where something is: addresses, networks, hosts and perhaps their ports, also several of them.
pub(super) fn is_location(value: &str) -> bool {
    let numeric = |value: &str| {
        value
            .bytes()
            .all(|byte| is(byte, DIGIT) || matches!(byte, b'.' | b':' | b'/'))
            && value.bytes().any(|byte| matches!(byte, b'.' | b':'))
    };
    let named = |value: &str| {
        let (host, port) = value.rsplit_once(':').unwrap_or((value, ""));
        let label = |label: &str| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                && !looks_random(label, 8)
        };
        port.bytes().all(|byte| is(byte, DIGIT))
            && (host.contains('.') || !port.is_empty() || host == "localhost")
            && host.split('.').all(label)
    };
    value.len() <= LONGEST_SETTING && value.split(',').all(|part| numeric(part) || named(part))
}

/// What stands beside a name like `AUTH` or `SESSION` when that is a setting and not a secret.
pub(super) fn is_setting(value: &str) -> bool {
    // Longer than any of them; also keeps the scanners from reading a long value again and again.
    if value.len() > LONGEST_SETTING {
        return false;
    }
    is_truth(value)
        || is_masked(value)
        || is_placeholder(value)
        || in_table(value, STATES, &STATES_SIEVE)
        || in_table(value, SCHEMES, &SCHEMES_SIEVE)
        || is_short_number(value)
        || is_path(value)
        || is_location(value)
        || value.contains("://")
}

/// Up to four digits, perhaps with a unit: a count, a port, a duration.
pub(super) fn is_short_number(value: &str) -> bool {
    let digits = value.bytes().take_while(|byte| is(*byte, DIGIT)).count();
    let unit = value.get(digits..).unwrap_or_default();
    (1..=5).contains(&digits)
        && matches!(
            unit,
            "" | "s" | "m" | "h" | "d" | "w" | "ms" | "us" | "sec" | "min" | "kb" | "mb" | "KB" | "MB" | "%"
        )
}

/// A count, or a list of small numbers: what plurals like `secrets` and `pins` have.
pub(super) fn is_count(value: &str) -> bool {
    value
        .split([',', ' '])
        .all(|part| is_short_number(part) && part.len() <= 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_and_fit() {
        for table in [SCHEMES, STATES] {
            assert!(table.is_sorted_by(|one, other| one < other));
            assert!(table.iter().all(|word| word.len() <= LONGEST_WORD));
        }
    }

    #[test]
    fn settings_are_told_from_secrets() {
        for value in [
            "",
            "true",
            "No",
            "ldap",
            "CRAM-MD5",
            "300",
            "24h",
            "/var/run/secrets/token",
            "./x.pem",
            "C:\\keys\\a.pem",
            "10.0.0.5",
            "10.0.0.0/8",
            "db.internal:5432",
            "localhost",
            "https://login.example.com/",
            "${AUTH}",
            "********",
            "[Filtered]",
            "<secret>",
            "expired",
            "arn:aws:secretsmanager:eu-1:123456789012:secret:app",
        ] {
            assert!(is_setting(value), "{value}");
        }
        for value in [
            "hunter2",
            "FAKE0012ab34cd",
            "123456",
            "/aB3xK9zQ",
            "a.b.c8f7e6d5c4b3a2",
            "swordfish",
            "$ecret",
        ] {
            assert!(!is_setting(value), "{value}");
        }
    }
}
