//! Writes the metrics, in both text formats that Prometheus reads.

use std::fmt::{self, Display, Write};

use healthcheck::{CheckOptions, CheckResult, CheckStatistics, Overall, Report, Statistics, Status};

use super::Page;
use super::body::Body;
use super::page::Wholes;

/// The text format in which the metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    OpenMetrics,
    Prometheus,
}

/// A metric family: its name, type, help and samples.
struct Family {
    /// The name of the family. The suffix `_total` of a counter isn't part of this name.
    name: &'static str,
    kind: MetricKind,
    help: &'static str,
    samples: fn(&Samples<'_>, &mut Writer<'_>) -> fmt::Result,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MetricKind {
    Gauge,
    /// A gauge in seconds. Its name ends in `_seconds`.
    Seconds,
    Counter,
}

const FAMILIES: [Family; 14] = [
    Family {
        name: "healthcheck_status",
        kind: MetricKind::Gauge,
        help: "What a check says: 1 pass, 0.5 warn, 0 fail; absent while nothing recent is known.",
        samples: |samples, writer| samples.per_check(writer, |known| known.status()),
    },
    Family {
        name: "healthcheck_check_info",
        kind: MetricKind::Gauge,
        help: "Who looks after a check, what to read when it fails, and whether other instances share what it asks; always 1. The labels are empty where nothing is set, or details are withheld.",
        samples: |samples, writer| samples.infos(writer),
    },
    Family {
        name: "healthcheck_probe_status",
        kind: MetricKind::Gauge,
        help: "What a probe as a whole says: 1 pass, 0.5 warn, 0 fail; absent while nothing recent is known.",
        samples: |samples, writer| samples.probes(writer),
    },
    Family {
        name: "healthcheck_last_run_duration_seconds",
        kind: MetricKind::Seconds,
        help: "How long the last run of a check took.",
        samples: |samples, writer| samples.per_check(writer, |known| known.result.response_time),
    },
    Family {
        name: "healthcheck_last_run_timestamp_seconds",
        kind: MetricKind::Seconds,
        help: "When the last run of a check ended, in seconds since the epoch.",
        samples: |samples, writer| samples.per_check(writer, |known| known.result.timestamp),
    },
    Family {
        name: "healthcheck_stale",
        kind: MetricKind::Gauge,
        help: "1 where the result of a check is older than it should be, or there is none.",
        samples: |samples, writer| samples.per_check(writer, |known| Some(flag(known.is_stale()))),
    },
    Family {
        name: "healthcheck_overridden",
        kind: MetricKind::Gauge,
        help: "1 where the status of a check is set by hand.",
        samples: |samples, writer| {
            samples.per_check(writer, |known| Some(flag(known.result.overridden.is_some())))
        },
    },
    Family {
        name: "healthcheck_draining",
        kind: MetricKind::Gauge,
        help: "1 while the service shuts down.",
        samples: |samples, writer| writer.sample(&[], flag(samples.page.is_draining())),
    },
    Family {
        name: "healthcheck_maintenance",
        kind: MetricKind::Gauge,
        help: "1 while the service is in maintenance.",
        samples: |samples, writer| writer.sample(&[], flag(samples.page.is_in_maintenance())),
    },
    Family {
        name: "healthcheck_stuck_runs",
        kind: MetricKind::Gauge,
        help: "Runs of checks that are past their time limit and haven't ended.",
        samples: |samples, writer| writer.sample(&[], samples.statistics.stuck_runs),
    },
    Family {
        name: "healthcheck_dropped",
        kind: MetricKind::Counter,
        help: "Log lines and listeners' events that were dropped, since too many were waiting.",
        samples: |samples, writer| {
            writer.sample(&[("what", "lines")], samples.statistics.dropped_lines)?;
            writer.sample(&[("what", "events")], samples.statistics.dropped_events)
        },
    },
    Family {
        name: "healthcheck_gate_failed_open",
        kind: MetricKind::Counter,
        help: "How often a gate began to let everybody through, since it was closed for too long.",
        samples: |samples, writer| writer.sample(&[], samples.statistics.gates_failed_open),
    },
    Family {
        name: "healthcheck_runs",
        kind: MetricKind::Counter,
        help: "Runs of a check, by what they gave.",
        samples: |samples, writer| samples.runs(writer),
    },
    Family {
        name: "healthcheck_transitions",
        kind: MetricKind::Counter,
        help: "Changes of what a check says.",
        samples: |samples, writer| {
            let mut counted = samples.counted();
            counted.try_for_each(|of| writer.sample(&[("check", &of.checker)], of.transitions))
        },
    },
];

pub(super) fn write(page: &Page<'_>, body: &mut Body, dialect: Dialect) -> fmt::Result {
    let samples = Samples {
        page,
        statistics: page.statistics(),
    };
    for family in &FAMILIES {
        let mut writer = Writer {
            body: &mut *body,
            name: family.name,
            suffix: if family.kind == MetricKind::Counter {
                "_total"
            } else {
                ""
            },
        };
        writer.head(family, dialect)?;
        (family.samples)(&samples, &mut writer)?;
    }
    match dialect {
        Dialect::OpenMetrics => body.write_str("# EOF\n"),
        Dialect::Prometheus => Ok(()),
    }
}

struct Writer<'a> {
    body: &'a mut Body,
    name: &'static str,
    suffix: &'static str,
}

impl Writer<'_> {
    fn head(&mut self, family: &Family, dialect: Dialect) -> fmt::Result {
        // In OpenMetrics, `TYPE` and `HELP` have the name of the family. In Prometheus' own format, they have the name
        // of the samples, which for a counter ends in `_total`.
        let suffix = match dialect {
            Dialect::OpenMetrics => "",
            Dialect::Prometheus => self.suffix,
        };
        let (name, body) = (self.name, &mut *self.body);
        let kind = if family.kind == MetricKind::Counter {
            "counter"
        } else {
            "gauge"
        };
        writeln!(body, "# TYPE {name}{suffix} {kind}")?;
        if family.kind == MetricKind::Seconds && dialect == Dialect::OpenMetrics {
            writeln!(body, "# UNIT {name} seconds")?;
        }
        writeln!(body, "# HELP {name}{suffix} {}", family.help)
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) -> fmt::Result {
        let (name, suffix, body) = (self.name, self.suffix, &mut *self.body);
        write!(body, "{name}{suffix}")?;
        for (position, (label, text)) in labels.iter().enumerate() {
            let open = if position == 0 { '{' } else { ',' };
            write!(body, "{open}{label}=\"{}\"", Label(text))?;
        }
        let close = if labels.is_empty() { "" } else { "}" };
        writeln!(body, "{close} {value}")
    }
}

/// The value of a label. Both text formats escape only the backslash, the quotation mark and the line break.
struct Label<'a>(&'a str);

impl Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            other => f.write_char(other),
        })
    }
}

struct Samples<'a> {
    page: &'a Page<'a>,
    statistics: Statistics,
}

/// The result of a check, with the facts that decide whether metrics show its status.
struct Known<'a> {
    result: &'a CheckResult,
    outdated: bool,
    in_background: bool,
}

impl Known<'_> {
    /// Returns whether metrics show the status of this result. If the result isn't outdated, metrics show its status.
    ///
    /// If the result is outdated, metrics show its status in three cases:
    /// - The status was set by hand.
    /// - A dependency of the check fails.
    /// - The check's background loop has stopped. This is a failure of the check.
    const fn is_certain(&self) -> bool {
        let CheckResult {
            overridden,
            blocked_by,
            timestamp,
            ..
        } = self.result;
        !self.outdated
            || overridden.is_some()
            || blocked_by.is_some()
            || (self.in_background && timestamp.is_some())
    }

    fn status(&self) -> Option<f64> {
        self.is_certain().then(|| number(self.result.status))
    }

    const fn is_stale(&self) -> bool {
        self.result.stale || (self.outdated && self.result.blocked_by.is_none())
    }
}

impl<'a> Samples<'a> {
    fn known<'b>(
        &self,
        results: impl IntoIterator<Item = &'b CheckResult>,
    ) -> impl Iterator<Item = Known<'b>> {
        results.into_iter().map(|result| Known {
            result,
            outdated: self.statistics_of(&result.checker).is_some_and(|of| of.outdated),
            in_background: self
                .page
                .options(&result.checker)
                .is_some_and(|options| options.interval.is_some()),
        })
    }

    /// Returns the counters of each check in the report.
    fn counted(&self) -> impl Iterator<Item = &CheckStatistics> {
        let results = self.page.report().results.iter();
        results.filter_map(|result| self.statistics_of(&result.checker))
    }

    fn statistics_of(&self, check: &str) -> Option<&CheckStatistics> {
        let all = &self.statistics.checks;
        let found = all.binary_search_by(|of| of.checker.as_str().cmp(check)).ok()?;
        all.get(found)
    }

    /// Returns the results in the liveness report that belong to no registered check, such as `runtime`, which the
    /// server adds.
    fn observed(&self) -> impl Iterator<Item = &'a CheckResult> {
        let shown = self.page.is_whole() && !self.page.shows_the_whole_alone();
        let wholes = self.page.context.wholes.filter(|_| shown);
        wholes.into_iter().flat_map(|wholes| {
            let results = wholes.liveness.results.iter();
            results.filter(|result| self.page.options(&result.checker).is_none())
        })
    }

    fn per_check(&self, writer: &mut Writer<'_>, value: impl Fn(&Known<'_>) -> Option<f64>) -> fmt::Result {
        let report = self.page.report();
        for known in self.known(&report.results).chain(self.known(self.observed())) {
            if let Some(value) = value(&known) {
                writer.sample(&[("check", &known.result.checker)], value)?;
            }
        }
        Ok(())
    }

    fn infos(&self, writer: &mut Writer<'_>) -> fmt::Result {
        for result in self.page.report().results.iter().chain(self.observed()) {
            let options = self.page.options(&result.checker);
            let options = options.filter(|_| self.page.shows_details());
            let owner = options.and_then(CheckOptions::owner).unwrap_or_default();
            let runbook = options.and_then(CheckOptions::runbook).unwrap_or_default();
            let external = options.is_some_and(|options| options.external);
            let labels = [
                ("check", &*result.checker),
                ("owner", owner),
                ("runbook", runbook),
                ("external", if external { "true" } else { "" }),
            ];
            writer.sample(&labels, 1)?;
        }
        Ok(())
    }

    fn runs(&self, writer: &mut Writer<'_>) -> fmt::Result {
        for of in self.counted() {
            for (status, count) in [
                (Status::Pass, of.passes),
                (Status::Warn, of.warnings),
                (Status::Fail, of.failures),
            ] {
                writer.sample(&[("check", &of.checker), ("status", status.as_str())], count)?;
            }
        }
        Ok(())
    }

    fn probes(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let Some(Wholes {
            all,
            liveness,
            readiness,
            startup,
        }) = self.page.context.wholes
        else {
            return Ok(());
        };
        for (probe, report, latches) in [
            ("all", all, false),
            ("liveness", liveness, false),
            ("readiness", readiness, false),
            // Once a startup check has passed, the startup probe treats it as passed, however old the result is.
            ("startup", startup, true),
        ] {
            if let Some(status) = self.verdict(report, latches) {
                writer.sample(&[("probe", probe)], number(status.as_status()))?;
            }
        }
        Ok(())
    }

    /// Returns the verdict of a report. Returns `None` if metrics hide some results and the verdict depends on these
    /// results.
    ///
    /// If metrics show that one critical check fails, the verdict is a failure. Any other verdict needs the results of
    /// all checks.
    fn verdict(&self, report: &Report, latches: bool) -> Option<Overall> {
        if report.reason.is_some() {
            return Some(report.status);
        }
        let (certain, others): (Vec<_>, Vec<_>) = self
            .known(&report.results)
            .partition(|known| known.is_certain() || latches && known.result.passed);
        let contributions = certain.iter().map(|known| known.result.contribution());
        // If `report` was deserialized, its results don't say whether a failing check fails the report or only degrades
        // it. `contribution` assumes that the check fails the report. This assumption may be too strict, so `min`
        // limits the verdict to the report's own status.
        let verdict = contributions.max().unwrap_or(Overall::Success).min(report.status);
        (others.is_empty() || verdict == Overall::Failure).then_some(verdict)
    }
}

const fn number(status: Status) -> f64 {
    match status {
        Status::Pass => 1.0,
        Status::Warn => 0.5,
        Status::Fail => 0.0,
    }
}

const fn flag(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}
