//! Puts the service into maintenance while a file exists, and logs reminders while maintenance lasts.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use healthcheck::HealthCheck;
use tokio::time::{Instant, sleep, timeout};

use crate::log::log;

/// How often the server checks whether the file exists.
const PERIOD: Duration = Duration::from_secs(1);
/// How long the server waits for the first check of the file before it answers requests.
const FIRST_LOOK: Duration = Duration::from_millis(500);
/// The time between two log lines that say that maintenance goes on.
const REMINDER: Duration = Duration::from_secs(600);
/// The most characters of a reason. A longer reason is cut.
const LONGEST_REASON: usize = 200;

/// Begins maintenance when the maintenance file appears, and ends this maintenance when the file is gone.
pub(crate) struct Switch {
    path: Arc<Path>,
    health: HealthCheck,
    flag: Flag,
}

impl Switch {
    /// Checks the file once, so that the server knows before its first answer whether the file exists.
    ///
    /// If the file system doesn't respond within [`FIRST_LOOK`], continues without the result.
    pub(crate) async fn new(path: &Path, health: HealthCheck) -> Self {
        let mut switch = Self {
            path: path.into(),
            health,
            flag: Flag::default(),
        };
        if let Ok(seen) = timeout(FIRST_LOOK, see(&switch.path)).await {
            switch.step(seen);
        }
        switch
    }

    /// Checks every second whether the file exists, and begins or ends maintenance accordingly. Continues until the
    /// caller drops this future.
    pub(crate) async fn follow(mut self) {
        loop {
            sleep(PERIOD).await;
            let seen = see(&self.path).await;
            self.step(seen);
        }
    }

    fn step(&mut self, seen: Seen) {
        match self.flag.step(seen, self.health.maintenance_reason().as_deref()) {
            Some(Act::Begin(reason)) => {
                self.health.begin_maintenance(reason);
                self.flag.shown = self.health.maintenance_reason();
            }
            Some(Act::End) => self.health.end_maintenance(),
            None => {}
        }
    }
}

/// Logs a line every ten minutes while the service is in maintenance, whether the file or the program began the
/// maintenance. Continues until the caller drops this future.
pub(crate) async fn remind(health: HealthCheck) {
    let mut reminder = Reminder::default();
    loop {
        sleep(PERIOD).await;
        if let Some(lasted) = reminder.tick(Instant::now(), health.maintenance_reason().is_some()) {
            let minutes = lasted.as_secs() / 60;
            log!(WARN, minutes, "maintenance goes on: readiness fails");
        }
    }
}

/// The state of the maintenance file.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Absent,
    /// The file exists. The string is its first line, which is the reason for maintenance.
    Present(String),
    /// The file system returned an error, so the server doesn't know whether the file exists.
    Unknown,
}

/// Reads the state of the file on a thread for blocking calls. A network file system may never answer, and must not
/// block the thread that answers probes.
async fn see(path: &Arc<Path>) -> Seen {
    let path = Arc::clone(path);
    let seen = tokio::task::spawn_blocking(move || look(&path)).await;
    seen.unwrap_or(Seen::Unknown)
}

fn look(path: &Path) -> Seen {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Seen::Present(first_line(path).unwrap_or_default()),
        // The path exists, but isn't a regular file: it is a directory or a pipe, for example. The server doesn't read
        // from it, because reading from a pipe could block. The reason for the maintenance stays empty.
        Ok(_) => Seen::Present(String::new()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Seen::Absent,
        Err(_) => Seen::Unknown,
    }
}

fn first_line(path: &Path) -> io::Result<String> {
    let mut start = Vec::new();
    File::open(path)?.take(1024).read_to_end(&mut start)?;
    let text = String::from_utf8_lossy(&start);
    let line = text.lines().next().unwrap_or_default().trim();
    Ok(line
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_REASON)
        .collect())
}

#[derive(Debug, PartialEq, Eq)]
enum Act {
    Begin(String),
    End,
}

/// Tracks whether the file began the current maintenance. If the program began the maintenance, the absence of the file
/// doesn't end it.
#[derive(Debug, Default)]
struct Flag {
    /// The first line of the file at the time when the file began maintenance. `None` if the file hasn't begun the
    /// current maintenance.
    reason: Option<String>,
    /// The reason that the health check shows for this maintenance: the first line of the file, with secrets redacted.
    shown: Option<String>,
}

impl Flag {
    fn step(&mut self, seen: Seen, current: Option<&str>) -> Option<Act> {
        let ours = self.reason.is_some() && current == self.shown.as_deref();
        match seen {
            Seen::Unknown => None,
            Seen::Present(reason) => {
                let begins = current.is_none() || ours && self.reason.as_ref() != Some(&reason);
                begins.then(|| {
                    self.reason = Some(reason.clone());
                    Act::Begin(reason)
                })
            }
            Seen::Absent => {
                self.reason = None;
                ours.then_some(Act::End)
            }
        }
    }
}

#[derive(Debug, Default)]
struct Reminder {
    /// The time at which maintenance began, and the time of the last reminder. `None` outside maintenance.
    since: Option<(Instant, Instant)>,
}

impl Reminder {
    /// Returns how long maintenance has lasted if a reminder is due, otherwise `None`.
    fn tick(&mut self, now: Instant, goes_on: bool) -> Option<Duration> {
        if !goes_on {
            self.since = None;
            return None;
        }
        let (began, logged) = self.since.get_or_insert((now, now));
        if now.saturating_duration_since(*logged) < REMINDER {
            return None;
        }
        *logged = now;
        Some(now.saturating_duration_since(*began))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn present(reason: &str) -> Seen {
        Seen::Present(reason.to_owned())
    }

    fn begin(reason: &str) -> Option<Act> {
        Some(Act::Begin(reason.to_owned()))
    }

    /// Returns a `Flag` whose file has begun maintenance with this reason.
    fn begun(reason: &str) -> Flag {
        let mut flag = Flag::default();
        assert_eq!(flag.step(present(reason), None), begin(reason));
        flag.shown = Some(reason.to_owned());
        flag
    }

    #[test]
    fn a_file_that_exists_is_maintenance_until_it_is_gone() {
        let mut flag = Flag::default();
        assert_eq!(flag.step(Seen::Absent, None), None);
        let mut flag = begun("a new disk");
        assert_eq!(flag.step(present("a new disk"), Some("a new disk")), None);
        assert_eq!(flag.step(Seen::Absent, Some("a new disk")), Some(Act::End));
        assert_eq!(flag.step(Seen::Absent, None), None);
    }

    #[test]
    fn a_new_first_line_is_a_new_reason() {
        let mut flag = begun("a new disk");
        assert_eq!(
            flag.step(present("a second one"), Some("a new disk")),
            begin("a second one")
        );
    }

    #[test]
    fn what_the_program_began_the_file_does_not_end() {
        let mut flag = Flag::default();
        assert_eq!(flag.step(present("disk"), Some("the program's")), None);
        assert_eq!(flag.step(Seen::Absent, Some("the program's")), None);
    }

    #[test]
    fn while_the_file_exists_the_programs_end_is_not_the_last_word() {
        let mut flag = begun("disk");
        assert_eq!(flag.step(present("disk"), None), begin("disk"));
    }

    #[test]
    fn a_file_that_cannot_be_looked_at_changes_nothing() {
        assert_eq!(Flag::default().step(Seen::Unknown, None), None);
        assert_eq!(begun("disk").step(Seen::Unknown, Some("disk")), None);
    }

    #[test]
    fn the_reason_is_the_first_line_of_the_file_without_control_characters() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("maintenance");
        assert_eq!(look(&path), Seen::Absent);
        fs::write(&path, "").unwrap();
        assert_eq!(look(&path), present(""));
        fs::write(&path, "  a new\u{7} disk \nby whom").unwrap();
        assert_eq!(look(&path), present("a new disk"));
        fs::write(&path, "x".repeat(10_000)).unwrap();
        assert_eq!(look(&path), present(&"x".repeat(LONGEST_REASON)));
        assert_eq!(look(directory.path()), present(""));
    }

    #[test]
    fn it_reminds_every_ten_minutes_and_not_after_the_end() {
        let start = Instant::now();
        let mut reminder = Reminder::default();
        let logged: Vec<u64> = (0..3_600)
            .filter(|&second| {
                reminder
                    .tick(start + Duration::from_secs(second), second < 1_500)
                    .is_some()
            })
            .collect();
        assert_eq!(logged, [600, 1_200]);
    }

    #[tokio::test]
    async fn readiness_follows_the_file_from_the_first_answer_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("maintenance");
        fs::write(&path, "a new disk").unwrap();
        let health = HealthCheck::builder().discover(false).build().unwrap();
        let switch = Switch::new(&path, health.clone()).await;
        assert_eq!(health.maintenance_reason().as_deref(), Some("a new disk"));
        let following = tokio::spawn(switch.follow());
        let until = async |wanted: Option<&str>| {
            while health.maintenance_reason().as_deref() != wanted {
                sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), async {
            fs::remove_file(&path).unwrap();
            until(None).await;
            fs::write(&path, "another one").unwrap();
            until(Some("another one")).await;
        })
        .await
        .expect("it is looked at every second");
        following.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn maintenance_that_goes_on_is_logged_whoever_began_it() {
        let log = crate::test_log::Log::start();
        let health = HealthCheck::builder().discover(false).build().unwrap();
        health.begin_maintenance("by the program");
        let reminding = tokio::spawn(remind(health.clone()));
        sleep(Duration::from_secs(1_210)).await;
        assert_eq!(log.count("maintenance goes on"), 2);
        health.end_maintenance();
        sleep(Duration::from_secs(1_210)).await;
        assert_eq!(log.count("maintenance goes on"), 2);
        reminding.abort();
    }
}
