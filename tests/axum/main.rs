//! Tests the answers to HTTP requests. Some tests call the router, and others use real sockets.

mod support;

mod access;
mod answers;
mod details;
mod environment;
mod formats;
mod hostile;
mod large;
mod logging;
mod methods;
mod mounting;
mod paths;
mod probes;
mod queries;
mod runtimes;
mod schemas;
mod scrapes;
mod wire;
