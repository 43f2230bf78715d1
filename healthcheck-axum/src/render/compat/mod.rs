//! The forms of other health libraries, for the clients that read those.

pub(super) mod aspnet;
pub(super) mod microprofile;
pub(super) mod spring;
