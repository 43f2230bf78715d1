//! Reads the free space of the file system that contains a path. Unix and the other platforms have separate modules.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(super) use unix::space;

#[cfg(not(unix))]
mod portable;
#[cfg(not(unix))]
pub(super) use portable::space;
