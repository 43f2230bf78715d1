//! The section `os`: the machine, and how much of it this process may use.

use std::env;
use std::thread;

use serde_json::{Value, json};

use super::system::{self, Load, Memory, Uname};
use super::{cgroup, distribution};

/// Collects the section `os`. `platform`, `name` and `uname` have the same values as in py-healthcheck. Sizes are in
/// bytes.
pub(crate) fn collect() -> Value {
    let uname = system::uname();
    json!({
        "platform": platform(),
        "name": name(),
        "uname": describe_uname(&uname),
        "hostname": uname.node,
        "distribution": distribution::collect(),
        "cpus": {
            "online": system::online_cpus(),
            // The number of CPUs that this process may use. The CPU affinity of the process or the CPU limit of its
            // container may reduce this number.
            "available": thread::available_parallelism().ok(),
        },
        "memory": system::memory().map(describe_memory),
        "load": system::load().map(describe_load),
        "container": cgroup::collect(),
    })
}

/// Returns the value that Python's `sys.platform` has on this platform.
fn platform() -> &'static str {
    match env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    }
}

/// Returns the value that Python's `os.name` has on this platform.
const fn name() -> Option<&'static str> {
    if cfg!(unix) {
        Some("posix")
    } else if cfg!(windows) {
        Some("nt")
    } else {
        None
    }
}

/// Returns the list that py-healthcheck shows: system, node, release, version, machine, processor. The processor is
/// always null, because no supported system provides it.
fn describe_uname(uname: &Uname) -> Value {
    json!([
        uname.system,
        uname.node,
        uname.release,
        uname.version,
        uname.machine,
        Value::Null
    ])
}

fn describe_memory(memory: Memory) -> Value {
    json!({
        "total": memory.total,
        "available": memory.available,
        "swap_total": memory.swap_total,
        "swap_free": memory.swap_free,
    })
}

fn describe_load(load: Load) -> Value {
    json!({ "1m": load.one, "5m": load.five, "15m": load.fifteen })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_keys_are_the_seeds_and_ours_on_every_platform() {
        let section = collect();
        let keys: Vec<&str> = section.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = vec![
            "platform",
            "name",
            "uname",
            "hostname",
            "distribution",
            "cpus",
            "memory",
            "load",
            "container",
        ];
        expected.sort_unstable();
        assert_eq!(keys, expected);
        assert_eq!(section["uname"].as_array().unwrap().len(), 6);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn on_linux_every_answer_is_there() {
        let section = collect();
        assert_eq!(section["platform"], "linux");
        assert_eq!(section["name"], "posix");
        assert_eq!(section["uname"][1], section["hostname"]);
        assert!(section["hostname"].is_string());
        assert!(section["cpus"]["available"].as_u64().unwrap() >= 1);
        assert!(section["memory"]["total"].as_u64() >= section["memory"]["available"].as_u64());
        assert!(section["load"]["15m"].is_number());
    }
}
