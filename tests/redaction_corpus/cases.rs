//! The cases of the redaction corpus, and the condition that each case has to meet.

use std::io::Read;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
pub struct Corpus {
    pub must_hide: Vec<Case>,
    pub must_show: Vec<Case>,
    pub seed_hides: Vec<Case>,
}

#[derive(Clone, Deserialize)]
pub struct Case {
    pub id: String,
    #[serde(rename = "where")]
    pub place: Place,
    /// The name of the variable, section or flag.
    #[serde(default)]
    pub name: String,
    pub value: Value,
    /// The secret that must not be visible. `None` in a case whose value must be shown.
    #[serde(default)]
    secret: Option<String>,
    #[serde(default)]
    also: Vec<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Env,
    Argv,
    Section,
    CheckOutput,
}

impl Corpus {
    pub fn read() -> Self {
        let packed: &[u8] = include_bytes!("../../healthcheck/tests/data/redaction_cases.json.gz");
        let mut text = String::new();
        flate2::read::GzDecoder::new(packed)
            .read_to_string(&mut text)
            .unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

impl Case {
    /// Returns the value of a variable or an output.
    pub fn text(&self) -> String {
        self.value.as_str().unwrap().to_owned()
    }

    /// Returns the command line, which begins with the name of the program.
    pub fn arguments(&self) -> Vec<String> {
        serde_json::from_value(self.value.clone()).unwrap()
    }

    /// Returns whether the output contains no secret, neither in its JSON text nor in its decoded strings.
    pub fn is_hidden_in(&self, shown: &Value) -> bool {
        let mut seen = shown.to_string();
        decode(shown, &mut seen);
        let secret = self.secret.as_ref().unwrap();
        !std::iter::once(secret)
            .chain(&self.also)
            .any(|secret| seen.contains(secret.as_str()))
    }

    /// Returns whether the output is the unchanged value.
    pub fn is_whole_in(&self, shown: &Value) -> bool {
        *shown == self.value
    }
}

fn decode(value: &Value, into: &mut String) {
    match value {
        Value::String(text) => {
            into.push('\n');
            into.push_str(text);
        }
        Value::Array(list) => list.iter().for_each(|value| decode(value, into)),
        Value::Object(map) => {
            for (name, value) in map {
                into.push('\n');
                into.push_str(name);
                decode(value, into);
            }
        }
        _ => {}
    }
}
