//! Reads the values on macOS, Windows and the BSDs with the crate sysinfo, but only the values that the page shows.

use std::time::Duration;

use sysinfo::{MemoryRefreshKind, ProcessRefreshKind, ProcessesToUpdate, System};

use super::{Load, Memory, Process, Uname};

pub(crate) fn memory() -> Option<Memory> {
    let mut system = System::new();
    system.refresh_memory_specifics(MemoryRefreshKind::everything());
    (system.total_memory() > 0).then(|| Memory {
        total: system.total_memory(),
        available: system.available_memory(),
        swap_total: system.total_swap(),
        swap_free: system.free_swap(),
    })
}

/// Returns `None` on Windows, which has no load average: sysinfo would start a task that estimates one.
pub(crate) fn load() -> Option<Load> {
    if cfg!(windows) {
        return None;
    }
    let load = System::load_average();
    Some(Load {
        one: load.one,
        five: load.five,
        fifteen: load.fifteen,
    })
}

pub(crate) fn uname() -> Uname {
    Uname {
        system: System::name(),
        node: System::host_name(),
        release: System::kernel_version(),
        version: System::os_version(),
        machine: Some(System::cpu_arch()).filter(|machine| !machine.is_empty()),
    }
}

/// Returns `None`. On macOS, Windows and the BSDs, the page shows only the number of CPUs that this process may use.
pub(crate) const fn online_cpus() -> Option<usize> {
    None
}

pub(crate) fn process() -> Process {
    let Ok(pid) = sysinfo::get_current_pid() else {
        return Process::default();
    };
    let mut system = System::new();
    let wanted = ProcessRefreshKind::nothing()
        .with_memory()
        .with_user(sysinfo::UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, wanted);
    let Some(process) = system.process(pid) else {
        return Process::default();
    };
    Process {
        uid: uid(process),
        uptime: Some(Duration::from_secs(process.run_time())),
        resident: Some(process.memory()),
        virtual_size: Some(process.virtual_memory()),
        threads: None,
        open_files: None,
        open_files_limit: None,
    }
}

#[cfg(unix)]
fn uid(process: &sysinfo::Process) -> Option<u32> {
    let uid = process.effective_user_id().or_else(|| process.user_id())?;
    Some(**uid)
}

#[cfg(not(unix))]
const fn uid(_process: &sysinfo::Process) -> Option<u32> {
    None
}

/// Returns the user's name from the environment variable `USER` or `USERNAME`. A login usually sets one of these
/// variables.
///
/// This function doesn't read `/etc/passwd`: Windows doesn't have this file, and on macOS the file doesn't contain the
/// ordinary users.
pub(crate) fn user(_process: &Process) -> Option<String> {
    ["USER", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
}
