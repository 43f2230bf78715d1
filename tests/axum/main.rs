//! Requests and their answers, through the router and over real sockets.

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
