//! Generates documents from the fuzzer's bytes. They look like documents of applications, and have secrets only in
//! places where the redactor promises to find secrets.

use arbitrary::{Error, Result, Unstructured};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

pub struct Document {
    pub value: Value,
    secrets: Vec<String>,
}

impl Document {
    pub fn assert_hidden_in(&self, shown: &Value) {
        let mut seen = shown.to_string();
        decode(shown, &mut seen);
        for secret in &self.secrets {
            assert!(
                !seen.contains(secret.as_str()),
                "{secret} is seen:\n{}\n{shown}",
                self.value
            );
        }
    }
}

fn decode(value: &Value, into: &mut String) {
    match value {
        Value::String(text) => {
            into.push('\n');
            into.push_str(text);
        }
        Value::Array(list) => list.iter().for_each(|value| decode(value, into)),
        Value::Object(map) => map.values().for_each(|value| decode(value, into)),
        _ => {}
    }
}

/// Generates a document from the fuzzer's bytes. Returns it with a list of the secrets that it contains, which may be
/// empty.
pub fn document(bytes: &mut Unstructured<'_>) -> Result<Document> {
    let mut secrets = Vec::new();
    let value = Value::Object(object(bytes, &mut secrets, 0)?);
    Ok(Document { value, secrets })
}

const DEEPEST: u32 = 5;

/// Names whose values are secret. The redactor hides everything in the value of such a name.
const SECRET_NAMES: &[&str] = &[
    "password",
    "db_password",
    "DB_PASS",
    "passwd",
    "API_KEY",
    "apiKey",
    "private-key",
    "clientSecret",
    "access_token",
    "session.secret",
    "credentials",
    "Authorization",
    "signingKey",
    "cookie_secret",
];

/// Names that don't show whether their values are secret.
const NAMES: &[&str] = &[
    "host", "name", "url", "port", "region", "comment", "items", "é", "", "a b", "0", "\"", "\\",
];

fn object(bytes: &mut Unstructured<'_>, secrets: &mut Vec<String>, depth: u32) -> Result<Map<String, Value>> {
    let mut map = Map::new();
    for _ in 0..bytes.int_in_range(1..=4)? {
        if bytes.ratio(1, 4)? {
            let name = *bytes.choose(SECRET_NAMES)?;
            map.insert(name.to_owned(), wholly_secret(bytes, secrets, depth)?);
        } else {
            let name = *bytes.choose(NAMES)?;
            // If the map already has a value for this name, keep that value: its secrets are already in `secrets`.
            if !map.contains_key(name) {
                map.insert(name.to_owned(), value(bytes, secrets, depth)?);
            }
        }
    }
    Ok(map)
}

fn value(bytes: &mut Unstructured<'_>, secrets: &mut Vec<String>, depth: u32) -> Result<Value> {
    let deeper = if depth < DEEPEST { 3 } else { 0 };
    Ok(match bytes.int_in_range(0..=5 + deeper)? {
        0 => Value::Null,
        1 => json!(bytes.arbitrary::<bool>()?),
        2 => json!(bytes.arbitrary::<i32>()?),
        3 => Value::from(prose(bytes)?),
        4 | 5 => Value::from(sentence(bytes, secrets, depth)?),
        6 => Value::Object(object(bytes, secrets, depth + 1)?),
        7 => {
            let mut list = Vec::new();
            for _ in 0..bytes.int_in_range(0..=3)? {
                list.push(value(bytes, secrets, depth + 1)?);
            }
            Value::Array(list)
        }
        // A string whose text is a JSON document.
        _ => Value::from(Value::Object(object(bytes, secrets, depth + 2)?).to_string()),
    })
}

/// Generates a value for one of the `SECRET_NAMES`. The redactor must hide every secret in this value.
fn wholly_secret(bytes: &mut Unstructured<'_>, secrets: &mut Vec<String>, depth: u32) -> Result<Value> {
    let secret = || secret(bytes, secrets);
    let mut secret = secret;
    Ok(match depth % 3 {
        0 => Value::from(secret()?),
        1 => json!({ "value": secret()?, "port": 1 }),
        _ => json!([secret()?, { "inner": [secret()?] }]),
    })
}

/// Generates a sentence that contains the result of `carrier`, a text with a secret.
fn sentence(bytes: &mut Unstructured<'_>, secrets: &mut Vec<String>, depth: u32) -> Result<String> {
    let before = *bytes.choose(&[
        "",
        "connecting to ",
        "error: ",
        "tried (",
        "see \"",
        "line 1\nline 2: ",
        "é ",
    ])?;
    let behind = match before.chars().last() {
        Some('(') => ")",
        Some('"') => "\"",
        _ => *bytes.choose(&["", ": timed out", " failed", "\nline 2", ", giving up", "."])?,
    };
    Ok(format!("{before}{}{behind}", carrier(bytes, secrets, depth)?))
}

/// Generates text with a secret that the redactor can recognize by the syntax around it: a URL, a header, an option, a
/// connection string, JSON, a PEM block, or a complete document in base64.
fn carrier(bytes: &mut Unstructured<'_>, secrets: &mut Vec<String>, depth: u32) -> Result<String> {
    let kind = bytes.int_in_range(0..=13)?;
    if kind == 13 && depth < DEEPEST {
        let inner = Value::Object(object(bytes, secrets, DEEPEST)?).to_string();
        return Ok(STANDARD.encode(inner));
    }
    let s = secret(bytes, secrets)?;
    Ok(match kind {
        0 => format!("postgres://app:{s}@db.internal:5432/prod?sslmode=require"),
        1 => format!("redis://:{s}@cache:6379/0"),
        2 => format!("amqp://one:{s}@a:5672,b:5672/vhost"),
        3 => format!("https://example.com/path?page=2&access_token={s}"),
        4 => format!("host=db port=5432 user=app password={s} dbname=prod"),
        5 => format!("Server=db;Database=prod;User Id=app;Password={s};Encrypt=true"),
        6 => format!("jdbc:postgresql://db:5432/prod?user=app&password={s}"),
        7 => format!("Authorization: Bearer {s}"),
        8 => format!("--db-password={s}"),
        9 => format!("--db-password {s}"),
        10 => format!("{{\"user\":\"app\",\"password\":\"{s}\"}}"),
        11 => format!("API_KEY={s}"),
        _ => format!("-----BEGIN PRIVATE KEY-----\n{s}{s}{s}\n-----END PRIVATE KEY-----"),
    })
}

/// Generates a secret of letters and digits that occurs only once in the document. Its length is that of a typical real
/// secret.
fn secret(bytes: &mut Unstructured<'_>, secrets: &mut Vec<String>) -> Result<String> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let length = bytes.int_in_range(10..=26)?;
    let mut secret = format!("k{}{MARK}", secrets.len());
    for _ in 0..length {
        let index = usize::from(bytes.arbitrary::<u8>()?) % LETTERS.len();
        secret.extend(LETTERS.get(index).copied().map(char::from));
    }
    secrets.push(secret.clone());
    Ok(secret)
}

/// The substring that every secret contains.
const MARK: &str = "Zq7";

/// Generates arbitrary text that contains no secret.
///
/// The fuzzer sees the strings that the test searches for, and may copy a secret into the text. Every secret contains
/// `MARK`, so this function rejects any text that contains `MARK`.
fn prose(bytes: &mut Unstructured<'_>) -> Result<String> {
    let text: String = bytes.arbitrary::<&str>()?.chars().take(200).collect();
    if text.contains(MARK) {
        return Err(Error::IncorrectFormat);
    }
    Ok(text)
}
