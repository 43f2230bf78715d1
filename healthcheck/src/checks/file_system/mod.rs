//! How much room the file system that holds a path has, one file per way of asking.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(super) use unix::space;

#[cfg(not(unix))]
mod portable;
#[cfg(not(unix))]
pub(super) use portable::space;
