//! The formats of other health libraries, for their clients.

pub(super) mod aspnet;
pub(super) mod microprofile;
pub(super) mod spring;
