//! JSON that is never built beyond a limit.

use std::io::{self, Write};

use axum::body::Bytes;
use healthcheck::{Report, Transition};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::details::{self, LEFT_OUT};

/// No body is built beyond this: 4 MiB.
const LARGEST: usize = 4 * 1024 * 1024;

/// The default form of a report. One that would be too large keeps its verdicts and loses its outputs and sections;
/// where the verdicts alone are too many, it keeps that of the whole.
pub(crate) fn of_report(report: &Report) -> Bytes {
    within(report).unwrap_or_else(|| {
        let mut reduced = details::without_outputs(report, LEFT_OUT);
        reduced
            .warnings
            .push("outputs and sections are left out: the body would be larger than 4 MiB".to_owned());
        within(&reduced).unwrap_or_else(|| {
            reduced.results.clear();
            reduced.warnings =
                vec!["the results are left out: the body would be larger than 4 MiB".to_owned()];
            within(&reduced).unwrap_or_default()
        })
    })
}

/// The transitions as a list.
pub(crate) fn of_history(history: Vec<Transition>) -> Bytes {
    within(&history)
        .or_else(|| within(&details::history_without_outputs(history)))
        .unwrap_or_else(|| Bytes::from_static(b"[]"))
}

/// The environment page. One that would be too large has a note in the place of each section.
pub(crate) fn of_environment(sections: &Map<String, Value>) -> Bytes {
    within(sections).unwrap_or_else(|| {
        let note =
            json!({ "error": "left out: the page would be larger than 4 MiB; ask for this section alone" });
        let notes: Map<_, _> = sections.keys().map(|name| (name.clone(), note.clone())).collect();
        within(&notes).unwrap_or_default()
    })
}

/// One value by itself.
pub(crate) fn of_value(value: &Value) -> Bytes {
    within(value).unwrap_or_else(|| Bytes::from(json!({ "error": LEFT_OUT }).to_string()))
}

/// `None` where it would be larger than the limit, or can't be written at all.
fn within<T: Serialize + ?Sized>(value: &T) -> Option<Bytes> {
    let mut written = Bounded(Vec::with_capacity(1024));
    serde_json::to_writer(&mut written, value).ok()?;
    Some(Bytes::from(written.0))
}

struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > LARGEST {
            return Err(io::Error::other("larger than 4 MiB"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
