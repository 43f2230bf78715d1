//! Reads the free space of the file system of a path. Each platform has its own file.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(super) use unix::space;

#[cfg(not(unix))]
mod portable;
#[cfg(not(unix))]
pub(super) use portable::space;
