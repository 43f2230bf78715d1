//! The built-in sections of the environment page, one file each. They hide nothing: that happens in one place, later.

pub(crate) mod cgroup;
mod distribution;
mod linked_packages;
pub(crate) mod os;
pub(crate) mod process;
pub(crate) mod rust;
pub(crate) mod system;
