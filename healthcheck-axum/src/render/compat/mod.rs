//! The formats of other health libraries, for clients that were written for those libraries.

pub(super) mod aspnet;
pub(super) mod microprofile;
pub(super) mod spring;
