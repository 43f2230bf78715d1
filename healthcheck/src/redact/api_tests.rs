//! Tests the functions of the module `redact` that the rest of the crate uses.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{MASK, Redaction, Redactor, redact};

const M: &str = MASK;

fn secret() -> &'static str {
    concat!("FAKE", "00ab12cd")
}

#[test]
fn a_secret_name_hides_everything_below_it() {
    let redaction = Redaction::default();
    let value = json!({
        "password": "x", "api_key": 1, "token": null, "bypass": true, "passwords": { "admin": "x" }, "keys": ["x"],
        "secrets": { "a": { "b": "x" } }, "port": 80,
    });
    let expected = json!({
        "password": M, "api_key": M, "token": M, "bypass": M, "passwords": M, "keys": M, "secrets": M, "port": 80,
    });
    assert_eq!(redaction.value(value), expected);
    assert_eq!(redaction.named("DB_PASSWORD", json!({"a": 1})), M);
    assert_eq!(redaction.named("KEYBOARD_LAYOUT", json!("us")), M);
}

#[test]
fn nothing_and_truth_values_below_a_word_of_a_family_are_no_secrets() {
    let value = json!({ "secret": null, "auth": true, "private": false, "session": 30, "otp": "" });
    assert_eq!(Redaction::default().value(value.clone()), value);
    assert_eq!(
        Redaction::default().value(json!({"pin": 493_812})),
        json!({"pin": M})
    );
}

#[test]
fn below_auth_and_session_stand_settings_too() {
    let x = secret();
    let value = json!({
        "auth": { "enabled": true, "mode": "oidc", "issuer": "https://login.example.com", "basic": x, "password": x },
        "session": { "id": x, "store": "redis", "cookie": { "name": "sid", "value": x } },
    });
    let expected = json!({
        "auth": { "enabled": true, "mode": "oidc", "issuer": "https://login.example.com", "basic": M, "password": M },
        "session": { "id": M, "store": "redis", "cookie": { "name": "sid", "value": M } },
    });
    assert_eq!(Redaction::default().value(value), expected);
}

#[test]
fn pairs_of_name_and_value_are_one() {
    let x = secret();
    let value = json!([
        { "name": "DB_PASSWORD", "value": x }, { "key": "db.token", "value": { "a": x } }, { "name": "PORT", "value": "80" },
        { "key": "region", "value": "eu" }, ["a", 1],
    ]);
    let expected = json!([
        { "name": "DB_PASSWORD", "value": M }, { "key": "db.token", "value": M }, { "name": "PORT", "value": "80" },
        { "key": "region", "value": "eu" }, ["a", 1],
    ]);
    assert_eq!(Redaction::default().value(value), expected);
    let headers = json!([["Authorization", format!("Bearer {x}")], ["Accept", "*/*"]]);
    assert_eq!(
        Redaction::default().value(headers),
        json!([["Authorization", M], ["Accept", "*/*"]])
    );
}

#[test]
fn lists_of_texts_are_read_as_arguments_where_they_look_like_some() {
    let x = secret();
    let redaction = Redaction::default();
    assert_eq!(
        redaction.value(json!({"cmd": ["app", "--password", x]})),
        json!({"cmd": ["app", "--password", M]})
    );
    assert_eq!(
        redaction.value(json!(["DB_PASSWORD=x", "A=b"])),
        json!([format!("DB_PASSWORD={M}"), "A=b"])
    );
    let argv = ["mysql", "-px", "--port=3306"].map(str::to_owned).to_vec();
    assert_eq!(
        redaction.arguments(&argv),
        [json!("mysql"), json!(format!("-p{M}")), json!("--port=3306")]
    );
    assert_eq!(
        redaction.value(json!(["password", "email"])),
        json!(["password", "email"])
    );
}

#[test]
fn names_that_hold_secrets_lose_them_too() {
    let value = json!({ "https://u:x@h/": 1, "https://u:y@h/": 2 });
    let shown = Redaction::default().value(value);
    assert_eq!(
        shown,
        json!({ "https://u:********@h/": 1, "https://u:********@h/ (2)": 2 })
    );
}

#[test]
fn further_fragments_hide_in_any_case() {
    let redaction = Redaction::builder()
        .hide_fragments(["Kunde".to_owned(), String::new()])
        .build();
    assert_eq!(
        redaction.value(json!({"HAUPTKUNDENNR": 1, "port": 2})),
        json!({"HAUPTKUNDENNR": M, "port": 2})
    );
    assert_eq!(redaction.text("kunde=42 port=2"), "kunde=******** port=2");
}

#[test]
fn allowed_names_are_shown_but_rules_about_values_hold() {
    let names = ["DB_PASSWORD", "KEYSPACE", "DATABASE_KEY_URL"].map(str::to_owned);
    let redaction = Redaction::builder()
        .allow_names(names)
        .hide_fragments(["space".to_owned()])
        .build();
    let shown = |name: &str, value: &str| redaction.named(name, value.into());
    assert_eq!(shown("DB_PASSWORD", "x"), "x");
    assert_eq!(shown("KEYSPACE", "orders"), "orders");
    assert_eq!(shown("keyspace", "orders"), M);
    assert_eq!(
        shown("DATABASE_KEY_URL", "postgres://u:x@h/d"),
        "postgres://u:********@h/d"
    );
    assert_eq!(redaction.text("KEYSPACE=orders"), "KEYSPACE=orders");
}

struct Own;

impl Redactor for Own {
    fn is_secret_name(&self, name: &str) -> bool {
        name == "customer"
    }

    fn redact_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if text.contains("CUST-1") {
            Cow::Owned(text.replace("CUST-1", M))
        } else {
            Cow::Borrowed(text)
        }
    }
}

#[test]
fn own_rules_are_asked_beside_the_built_in_ones() {
    let redaction = Redaction::builder().rule(Arc::new(Own)).build();
    let value = json!({ "customer": { "a": 1 }, "note": "for CUST-1 with token=x", "CUST-1": [true] });
    let expected = json!({ "customer": M, "note": "for ******** with token=********", M: [true] });
    assert_eq!(redaction.value(value), expected);
    assert_eq!(redaction.text("customer=7 asked"), "customer=******** asked");
    assert_eq!(format!("{redaction:?}").matches("own: 1").count(), 1);
}

struct Constant;

impl Redactor for Constant {
    fn redact_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if text.contains("CUST-") {
            Cow::Borrowed(M)
        } else {
            Cow::Borrowed(text)
        }
    }
}

#[test]
fn an_own_mask_counts_also_where_it_is_as_long_as_what_it_hides() {
    let redaction = Redaction::builder()
        .rule(Arc::new(Own))
        .rule(Arc::new(Constant))
        .build();
    for text in ["CUST-223", "CUST-2", "CUST-2234 of token=x", "CUST-1CUST-2"] {
        assert_eq!(redaction.text(text), M, "{text}");
        assert_eq!(redaction.value(json!([text])), json!([M]), "{text}");
    }
}

struct Panics;

impl Redactor for Panics {
    fn is_secret_name(&self, name: &str) -> bool {
        assert!(name != "worst", "a name that the rule didn't expect");
        false
    }

    fn redact_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        assert!(!text.contains("surprise"), "a text that the rule didn't expect");
        Cow::Borrowed(text)
    }
}

#[test]
fn where_an_own_rule_panics_only_what_it_was_asked_about_is_hidden() {
    let redaction = Redaction::builder().rule(Arc::new(Panics)).build();
    let value = json!({ "a": "fine", "b": "a surprise", "worst": 1 });
    assert_eq!(redaction.value(value), json!({ "a": "fine", "b": M, "worst": M }));
    assert_eq!(redaction.text("surprise"), M);
}

#[test]
fn names_alone_can_be_shown() {
    let value = json!({ "PATH": "/bin", "argv": ["app", "--port=80"], "n": 1 });
    let expected = json!({ "PATH": M, "argv": [M, "--port=********"], "n": M });
    assert_eq!(Redaction::default().names_only(value), expected);
}

#[test]
fn a_text_without_a_secret_is_not_copied() {
    let text = "connected to db.internal:5432 in 12 ms";
    assert!(matches!(redact(text), Cow::Borrowed(shown) if std::ptr::eq(shown, text)));
}

/// Nests `inner` in `levels` levels: calls `wrap` on `inner`, then on the result of this call, and so on.
///
/// This helper doesn't recurse. A recursive helper could overflow the stack.
fn nested(levels: usize, inner: Value, wrap: fn(Value) -> Value) -> Value {
    (0..levels).fold(inner, |value, _| wrap(value))
}

/// Runs the closure in a thread with a stack of 2 MiB, the default of Rust's threads. Panics if the closure panics.
fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(run)
        .unwrap()
        .join()
        .expect("no overflow");
}

/// Returns an object with one name and one value. `json!` would copy the value, and copying recurses once per level of
/// nesting.
fn object(name: &str, value: Value) -> Value {
    Value::Object([(name.to_owned(), value)].into_iter().collect())
}

#[test]
fn nesting_10000_deep_neither_overflows_the_stack_nor_leaks() {
    on_a_small_stack(|| {
        let shapes: [fn(Value) -> Value; 4] = [
            |value| Value::Array(vec![value]),
            |value| object("a", value),
            |value| object("auth", value),
            |value| Value::Array(vec![Value::Array(vec!["a".into(), value])]),
        ];
        for wrap in shapes {
            let shown = Redaction::default()
                .value(nested(10_000, secret().into(), wrap))
                .to_string();
            assert!(shown.contains('…') && !shown.contains(secret()), "{shown}");
            let shown = Redaction::default()
                .names_only(nested(10_000, secret().into(), wrap))
                .to_string();
            assert!(!shown.contains(secret()), "{shown}");
            assert_eq!(
                Redaction::default().named("password", nested(10_000, Value::Null, wrap)),
                M
            );
            let below = object("secret", nested(10_000, Value::Null, wrap));
            assert_eq!(Redaction::default().value(below), json!({ "secret": M }));
        }
    });
}

#[test]
fn texts_nested_in_texts_neither_overflow_nor_explode() {
    on_a_small_stack(|| {
        let open = "{\"a\":".repeat(10_000);
        assert!(matches!(redact(&open), Cow::Borrowed(_)));
        let lists = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(matches!(redact(&lists), Cow::Borrowed(_)));
        let mut text = json!({ "password": secret() }).to_string();
        for _ in 0..7 {
            text = json!({ "a": text }).to_string();
        }
        let shown = redact(&text);
        assert!(!shown.contains(secret()), "{shown}");
        assert!(serde_json::from_str::<Value>(&shown).is_ok());
    });
}
