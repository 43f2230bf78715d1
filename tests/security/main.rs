//! Tests that no secret leaves the process, and that no text of a check or of a client breaks out of the format of an
//! answer.
#![allow(clippy::unwrap_used)]

mod breaking_out;
mod leaving;
mod page;
