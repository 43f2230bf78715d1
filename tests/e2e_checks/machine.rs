//! Tests the ready-made checks of the machine: disk space, memory, load and open files. Each test starts the test
//! binary again, inside a mount namespace or a control group that the test has created.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use healthcheck::Status;
use healthcheck::checks::{disk_space, load, memory, open_files};

const ROLE: &str = "HEALTHCHECK_TEST_ROLE";

/// Returns a shell command that runs the test `test` of this binary again. The command sets the environment variable
/// `ROLE`. This variable tells the test that it runs inside the namespace or the control group.
fn inside(test: &str, role: &str) -> String {
    let exe = std::env::current_exe().unwrap();
    format!(
        "{ROLE}={role} exec {} --exact --nocapture machine::{test}",
        exe.display()
    )
}

fn run(mut command: Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
}

#[test]
fn a_file_system_that_is_remounted_read_only_fails() {
    if let Ok(folder) = std::env::var(ROLE) {
        let check = || disk_space(&folder).check();
        assert_eq!(check().status(), Status::Pass);
        let remounted = Command::new("mount").args(["-o", "remount,ro", &folder]).status();
        assert!(remounted.unwrap().success());
        let outcome = check();
        assert_eq!(
            outcome.output(),
            &format!("the file system of {folder} is read-only")
        );
        assert_eq!(outcome.status(), Status::Fail);
        assert_eq!(disk_space(&folder).read_only().check().status(), Status::Pass);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display();
    // When this command ends, the kernel removes the mount namespace and its mounts.
    let mut command = Command::new("unshare");
    let test = inside(
        "a_file_system_that_is_remounted_read_only_fails",
        &place.to_string(),
    );
    command.args([
        "--mount",
        "sh",
        "-c",
        &format!("mount -t tmpfs -o size=8m none {place} && {test}"),
    ]);
    run(command);
}

/// After an error in a file system, newer kernels don't remount it read-only, but refuse every write to it.
#[test]
fn a_file_system_that_gave_up_after_an_error_fails() {
    if let Ok(folder) = std::env::var(ROLE) {
        let check = || disk_space(&folder).check();
        assert_eq!(check().status(), Status::Pass);
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let mount = mounts.lines().find(|line| line.contains(&folder)).unwrap();
        let device = mount.split_once(" /dev/").unwrap().1.split(' ').next().unwrap();
        let trigger = format!("/sys/fs/ext4/{device}/trigger_fs_error");
        fs::write(trigger, "the test's own error").unwrap();
        assert!(fs::write(Path::new(&folder).join("new"), "").is_err());
        let outcome = check();
        assert_eq!(outcome.status(), Status::Fail, "{outcome:?}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (image, place) = (folder.path().join("image"), folder.path().join("mount"));
    fs::create_dir(&place).unwrap();
    let (image, place) = (image.display(), place.display());
    let made = format!(
        "truncate -s 16M {image} && mkfs.ext4 -q {image} && mount -o loop,errors=remount-ro {image} {place}"
    );
    // On a machine without loop devices this command fails, and the test ends early without an error.
    let may = ["unshare", "--mount", "sh", "-c", &made];
    if !Command::new(may[0]).args(&may[1..]).status().unwrap().success() {
        println!("no file system in a file may be mounted here");
        return;
    }
    let test = inside(
        "a_file_system_that_gave_up_after_an_error_fails",
        &place.to_string(),
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &format!("{made} && {test}")]);
    run(command);
}

/// Some sandboxes hide files in `/proc`, or leave them empty. The test imitates such a sandbox.
#[test]
fn a_machine_that_tells_nothing_is_unknown_and_takes_no_instance_out() {
    if std::env::var(ROLE).is_ok() {
        for (outcome, what) in [
            (memory().check(), "memory"),
            (load().fail_above(0.001).check(), "load"),
            (open_files().fail_above("1").check(), "files"),
        ] {
            assert_eq!(outcome.status(), Status::Pass, "{outcome:?}");
            let told = outcome.output().as_str().unwrap();
            assert!(
                told.contains("unknown, because ") && told.contains(what),
                "{told}"
            );
        }
        return;
    }
    let test = inside(
        "a_machine_that_tells_nothing_is_unknown_and_takes_no_instance_out",
        "inside",
    );
    let hide = "for file in meminfo loadavg $$/mountinfo; do mount --bind /dev/null /proc/$file || exit; done
                mount -t tmpfs none /sys && mount -t tmpfs none /proc/$$/fd";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &format!("{hide} && {test}")]);
    run(command);
}

/// The test reads a large file until the kernel's page cache fills the memory of the control group. The kernel can
/// reclaim the memory of the page cache, so the check must pass.
#[test]
fn a_container_that_is_full_of_page_cache_has_memory() {
    const LIMIT: u64 = 64 << 20;
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page-cache");
    if std::env::var(ROLE).is_ok() {
        for _ in 0..3 {
            let mut read = fs::File::open(&file).unwrap();
            assert_eq!(std::io::copy(&mut read, &mut std::io::sink()).unwrap(), 2 * LIMIT);
        }
        let outcome = memory().check();
        let told = outcome.output().as_str().unwrap();
        assert!(
            told.contains("of the container's memory is free") && told.contains("of 64 MiB"),
            "{told}"
        );
        assert_eq!(outcome.status(), Status::Pass, "{told}");
        // The kernel can't reclaim the memory of this vector. So the check must fail.
        let held = vec![1_u8; 60 << 20];
        let outcome = memory().fail_below("10%").check();
        assert_eq!(
            outcome.status(),
            Status::Fail,
            "{outcome:?} with {} bytes",
            held.len()
        );
        return;
    }
    let Some(group) = Group::with_limit(LIMIT) else {
        println!("no control group with a limit may be made here");
        return;
    };
    fs::write(&file, vec![7; usize::try_from(2 * LIMIT).unwrap()]).unwrap();
    let mut command = Command::new("sh");
    let test = inside("a_container_that_is_full_of_page_cache_has_memory", "reader");
    command.args([
        "-c",
        &format!("echo $$ >{}/cgroup.procs && {test}", group.0.display()),
    ]);
    command.process_group(0);
    run(command);
    fs::remove_file(&file).unwrap();
}

/// A control group (version 1 or 2) with a memory limit, which the test creates. Dropping it removes the group.
struct Group(PathBuf);

impl Group {
    fn with_limit(limit: u64) -> Option<Self> {
        let name = format!("healthcheck-test-{}", std::process::id());
        [
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            ("/sys/fs/cgroup", "memory.max"),
        ]
        .into_iter()
        .find_map(|(top, file)| {
            let top = Path::new(top);
            // If this folder contains no file `cgroup.procs`, the folder isn't a control group.
            let controllers = fs::read_to_string(top.join("cgroup.procs"));
            controllers.ok()?;
            let group = Self(top.join(&name));
            fs::create_dir(&group.0).ok()?;
            fs::write(group.0.join(file), limit.to_string()).ok()?;
            Some(group)
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // An ended process stays in its control group for a moment. During this moment, the kernel refuses to remove
        // the group. So this loop tries again and again.
        let patience = Instant::now() + Duration::from_secs(10);
        while fs::remove_dir(&self.0).is_err() && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
