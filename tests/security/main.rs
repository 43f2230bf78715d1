//! No secret leaves by any way, and nothing that a check or a client says breaks out of the form of an answer.
#![allow(clippy::unwrap_used)]

mod breaking_out;
mod leaving;
mod page;
