//! The cases of the redaction corpus: values, and which part of each value must be hidden or shown.

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
    /// The name of the environment variable, of the section, or of the command-line flag that has the value.
    #[serde(default)]
    pub name: String,
    pub value: Value,
    /// The secret in the value that the output must not contain. `None` if the output must show the whole value.
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
    /// Returns the value of this case as text, for an environment variable or the output of a check.
    pub fn text(&self) -> String {
        self.value.as_str().unwrap().to_owned()
    }

    /// Returns the value of this case as a command line. Its first element is the name of the program.
    pub fn arguments(&self) -> Vec<String> {
        serde_json::from_value(self.value.clone()).unwrap()
    }

    /// Returns whether the output `shown` contains none of the secrets of this case. Searches the JSON text, and also
    /// the decoded strings.
    pub fn is_hidden_in(&self, shown: &Value) -> bool {
        let mut seen = shown.to_string();
        decode(shown, &mut seen);
        let secret = self.secret.as_ref().unwrap();
        !std::iter::once(secret)
            .chain(&self.also)
            .any(|secret| seen.contains(secret.as_str()))
    }

    /// Returns whether the output `shown` is the unchanged value of this case.
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
