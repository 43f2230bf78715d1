//! Measures the share of secrets that the redactor hides, and the time that the redactor takes. The inputs are:
//! - three corpora of secrets and ordinary values;
//! - log lines;
//! - the variables of two environments;
//! - a megabyte of each kind of hostile text.
//!
//! `cargo bench -p healthcheck --bench redaction` prints the fastest run and the median for each kind of hostile text.
//! If the redactor needs more than 50 ms for a megabyte of such text, the bench exits with an error.
//! `benches/redaction_size` measures how much redaction adds to the size and the compile time of a binary.

#![allow(clippy::print_stdout, reason = "a bench says what it measured")]
#![allow(clippy::unwrap_used, reason = "a corpus that can't be read ends the bench")]

use std::hint::black_box;
use std::io::Read as _;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

// `Redaction` is private to the crate, so the bench can't import it. Instead, the bench compiles the source file of the
// module again. This works because the module uses nothing else of the crate.
#[allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "the bench uses a part of it"
)]
#[path = "../src/redact/mod.rs"]
mod redact;

const MEGABYTE: usize = 1 << 20;
const LIMIT: Duration = Duration::from_millis(50);
const ROUNDS: usize = 9;
/// If one run takes this long, the bench doesn't measure a further run.
const ENOUGH: Duration = Duration::from_millis(400);

/// The kinds of hostile text, each with a name and a pattern. The bench repeats the pattern up to a megabyte.
const PATTERNS: &[(&str, &str)] = &[
    ("letters", "a"),
    ("spaces", " "),
    ("line feeds", "\n"),
    ("words", "the quick brown fox jumps over the lazy dog "),
    ("equals signs", "="),
    ("colons", ":"),
    ("settings", "a=b "),
    ("settings in a row", "a=b&"),
    ("names without an end", "password="),
    ("names with a space", "password= "),
    ("names before colons", "password: "),
    ("weak names", "auth="),
    ("weak names that stay", "auth=on "),
    ("weak names before addresses", "auth=x://"),
    ("session names", "session=a://b "),
    ("pins", "pin=1 "),
    ("open quotes", "password=\""),
    ("open quotes after colons", "password: \""),
    ("apostrophes", "token: '"),
    ("quotes of many depths", "\"\\\"\\\\\\\"\\\\\\\\\\\\\\\""),
    (
        "names and quotes of many depths",
        "password=\"x password=\\\"x password=\\\\\\\"x ",
    ),
    ("backslashes", "\\"),
    ("backslashes after a name", "token=\"\\"),
    ("open braces", "{"),
    ("open brackets after a name", "\"token\":["),
    ("open braces after a name", "private: {"),
    ("wrapped values", "token: Some("),
    ("open JSON", "{\"a\":"),
    ("JSON in JSON", "{\"a\":\"{\\\"a\\\":\\\"{"),
    ("addresses", "://"),
    ("addresses with colons", "x://a:b"),
    ("addresses with users", "x://a:b@"),
    ("addresses with spaces", "x://a:b "),
    ("hooks", "https://hooks.example.com/hooks/"),
    ("at signs", "@"),
    ("users", "a:b@c "),
    ("users in a row", "a:b@"),
    ("slashes and at signs", "a/b@c:22/"),
    ("JSON Web Tokens", "eyJ"),
    ("JSON Web Tokens with dots", "eyJhbGciOiJI."),
    ("dots", "."),
    ("parts between dots", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa."),
    ("beginnings of keys", "-----BEGIN PRIVATE KEY-----"),
    ("beginnings of certificates", "-----BEGIN CERTIFICATE-----"),
    ("beginnings without an end", "-----BEGIN "),
    ("prefixes of tokens", "ghp_"),
    ("prefixes of many tokens", "sk-ghp_AKIA-xoxb-glpat-"),
    ("marks in the middle of tokens", "T3BlbkFJ "),
    ("base64 of text", "eyJhIjoiYiIsImMiOiJkIn0gIHsiYSI6ImIifSAg"),
    ("base64 of settings", "cGFzc3dvcmQ9YSBwYXNzd29yZD1hIA=="),
    ("base64 candidates", "YWFhYWFhYWFhYWFhYWFhYWFh "),
    ("percent signs", "%"),
    ("percent-encoding", "%20"),
    ("percent-encoding of percent-encoding", "%2525"),
    ("percent-encoded settings", "a%3Db%26"),
    ("entities", "&quot;"),
    ("flags", " -p"),
    ("flags with values", " --token x"),
    ("commands", "mysql -p x "),
    ("elements", "<a>"),
    ("secret elements", "<password>"),
    ("character data", "<password><![CDATA["),
    ("keys of a property list", "<key><![CDATA["),
    ("pairs", "\"name\":\"token\","),
    ("reversed pairs", "\"value\":\""),
    ("names of elements without an end", "name=\"token\">"),
    ("names of elements that stay", "name=\"auth\">on "),
    ("weak elements", "<auth>"),
    ("weak character data", "<auth><![CDATA[on "),
    ("triple quotes", "password=\"\"\""),
    ("weak triple quotes", "auth=\'\'\'on "),
    ("prefixes in small letters", "abc_"),
    (
        "drawn words behind a prefix",
        "abc_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ),
    ("users of Redis", "user a on >"),
    ("nobody's passwords", " on >a -b"),
    ("entries of secrets", " --from-literal=a"),
    ("tuples", "(\"token\","),
    ("nested tuples", "[[\"token\",\""),
    ("blocks", "token:\n"),
    ("nested blocks", "token:\n  a:\n"),
    ("manifests", "kind: Secret\ndata:\n  a: b\n"),
    ("schemes", "Bearer "),
    ("digests", "Digest a=\""),
    ("basic", "Basic YTpi "),
    ("headers", "Authorization: "),
    ("cookies", "Cookie: a\n"),
    ("sentences", "password is "),
    ("sentences with quotes", "password \""),
    ("parameters", "?code="),
    ("semicolons", "password=a;b "),
    ("connection strings", "Password=a b;Server=c;"),
    ("password files", "a:22:b:c:d\n"),
    ("structs", "Credentials { "),
    ("umlauts", "ü"),
    ("umlauts in names", "üü=ü "),
    ("stars", "********"),
    ("names in a row", "a="),
    ("users without a name", "@:"),
    ("percent signs that are encoded", "%25"),
];

fn main() {
    let mut slowest = Duration::ZERO;
    // An argument of the command line selects one measurement: the name of a kind of hostile text, `environments` or
    // `corpora`.
    let only = std::env::args().nth(1).filter(|name| !name.starts_with('-'));
    for (name, pattern) in PATTERNS
        .iter()
        .filter(|(name, _)| only.as_deref().is_none_or(|only| only == *name))
    {
        let text: String = pattern
            .chars()
            .cycle()
            .scan(0, |length, character| {
                *length += character.len_utf8();
                (*length <= MEGABYTE).then_some(character)
            })
            .collect();
        let taken = measure(ROUNDS, || {
            black_box(healthcheck::redact(black_box(&text)));
        });
        slowest = slowest.max(taken.fastest);
        let note = if taken.fastest > LIMIT { "  TOO SLOW" } else { "" };
        println!(
            "{:>7.2} {:>7.2} ms  {name}{note}",
            milliseconds(taken.fastest),
            milliseconds(taken.median)
        );
    }
    if !slowest.is_zero() {
        println!(
            "{:>7.2} ms  slowest of all, limit {} ms",
            milliseconds(slowest),
            LIMIT.as_millis()
        );
    }
    if only.as_deref().is_none_or(|only| only == "environments") {
        environments();
    }
    if only.as_deref().is_none_or(|only| only == "corpora") {
        corpora();
    }
    if slowest > LIMIT {
        std::process::exit(1);
    }
}

/// Prints how many secrets of the corpora the redactor hides, and how many ordinary values and log lines it changes by
/// mistake. Also prints how long the redactor takes for one variable and for one log line.
fn corpora() {
    let redaction = redact::Redaction::default();
    let mut variables = Vec::new();
    for (name, packed) in [
        (
            "own",
            &include_bytes!("../tests/data/redaction_cases.json.gz")[..],
        ),
        (
            "further",
            include_bytes!("../tests/data/further_redaction_cases.json.gz"),
        ),
        (
            "independent",
            include_bytes!("../tests/data/redaction_independent.json.gz"),
        ),
    ] {
        let corpus: Value = serde_json::from_str(&unpacked(packed)).unwrap();
        let list = |name: &str| corpus[name].as_array().cloned().unwrap_or_default();
        let kind = |kind: &str| {
            let cases = list("cases").into_iter();
            cases.filter(|case| case["kind"] == kind).collect::<Vec<_>>()
        };
        let hide = [list("must_hide"), kind("hide")].concat();
        let show = [list("must_show"), kind("show")].concat();
        let hidden = hide
            .iter()
            .filter(|case| is_hidden(case, &shown(&redaction, case)));
        let destroyed = show.iter().filter(|case| shown(&redaction, case) != value(case));
        println!(
            "{name}: {:.2} % of {} secrets hidden, {:.2} % of {} ordinary values destroyed",
            percent(hidden.count(), hide.len()),
            hide.len(),
            percent(destroyed.count(), show.len()),
            show.len()
        );
        variables.extend(hide.into_iter().chain(show).filter(|case| case["where"] == "env"));
    }
    let lines = unpacked(include_bytes!("../tests/data/ordinary_log_lines.txt.gz"));
    let lines: Vec<&str> = lines.lines().collect();
    let changed = lines.iter().filter(|line| redaction.text(line) != **line).count();
    println!(
        "{:.2} % of {} ordinary log lines changed",
        percent(changed, lines.len()),
        lines.len()
    );

    let pairs: Vec<(&str, Value)> = variables
        .iter()
        .map(|case| (case["name"].as_str().unwrap(), value(case)))
        .collect();
    // The CPU clock of a thread advances in steps of milliseconds, but a single redaction takes less than a
    // millisecond. So each measurement redacts every variable `TIMES` times.
    const TIMES: usize = 60;
    let each = |taken: &Taken, count: usize| taken.fastest.as_secs_f64() * 1e6 / (TIMES * count) as f64;
    let copied = measure(5, || {
        for (_, value) in (0..TIMES).flat_map(|_| &pairs) {
            black_box(value.clone());
        }
    });
    let named = measure(5, || {
        for (name, value) in (0..TIMES).flat_map(|_| &pairs) {
            black_box(redaction.named(name, value.clone()));
        }
    });
    let variable = each(&named, pairs.len()) - each(&copied, pairs.len());
    println!("a variable of the corpora: {variable:.2} µs");
    let read = measure(5, || {
        for line in (0..TIMES).flat_map(|_| &lines) {
            black_box(redaction.text(line));
        }
    });
    println!("a log line: {:.2} µs", each(&read, lines.len()));
}

fn unpacked(packed: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed)
        .read_to_string(&mut text)
        .unwrap();
    text
}

fn value(case: &Value) -> Value {
    let field = if case["value"].is_null() { "text" } else { "value" };
    case[field].clone()
}

fn shown(redaction: &redact::Redaction, case: &Value) -> Value {
    match case["name"].as_str() {
        Some(name) if case["where"] == "env" || case["where"] == "section" => {
            redaction.named(name, value(case))
        }
        _ => redaction.value(value(case)),
    }
}

fn is_hidden(case: &Value, shown: &Value) -> bool {
    let shown = shown.as_str().map_or_else(|| shown.to_string(), str::to_owned);
    let secrets = [&case["secret"]]
        .into_iter()
        .chain(case["secrets"].as_array().into_iter().flatten());
    let mut secrets = secrets.filter_map(Value::as_str);
    !secrets.any(|secret| shown.contains(secret))
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole as f64
}

/// Compares the time to redact the values of 200 variables with the time to write the names and values of these
/// variables as JSON.
fn environments() {
    environment("a container's 200 variables", container());
    environment("200 variables of which most are hard to judge", hard());
}

fn environment(name: &str, variables: impl Iterator<Item = (String, String)>) {
    let variables: Map<String, Value> = variables.map(|(name, value)| (name, value.into())).collect();
    const TIMES: u32 = 2_000;
    let redacted = measure(5, || {
        for value in (0..TIMES)
            .flat_map(|_| variables.values())
            .filter_map(Value::as_str)
        {
            black_box(healthcheck::redact(black_box(value)));
        }
    });
    let written = measure(5, || {
        for _ in 0..TIMES {
            black_box(serde_json::to_string(black_box(&variables)).unwrap_or_default());
        }
    });
    println!(
        "{name}: {:.1} µs, {:.1} times what writing them as JSON costs",
        milliseconds(redacted.fastest / TIMES) * 1e3,
        redacted.fastest.as_secs_f64() / written.fastest.as_secs_f64()
    );
}

/// Generates the 200 environment variables of a typical container. Kubernetes sets most of these variables, for 23
/// services. The image and the deployment set the rest.
fn container() -> impl Iterator<Item = (String, String)> {
    let services = (0..23).flat_map(|index| {
        let address = format!("10.96.{index}.{}", index * 7 % 250);
        let link = format!("tcp://{address}:8080");
        [
            ("SERVICE_HOST", address.clone()),
            ("SERVICE_PORT", "8080".to_owned()),
            ("SERVICE_PORT_HTTP", "8080".to_owned()),
            ("PORT", link.clone()),
            ("PORT_8080_TCP", link),
            ("PORT_8080_TCP_PROTO", "tcp".to_owned()),
            ("PORT_8080_TCP_PORT", "8080".to_owned()),
            ("PORT_8080_TCP_ADDR", address),
        ]
        .map(|(name, value)| (format!("ORDERS_{index}_{name}"), value))
    });
    let own = [
        (
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ),
        ("HOME", "/home/app"),
        ("PWD", "/srv/app"),
        ("LANG", "C.UTF-8"),
        ("TZ", "UTC"),
        ("HOSTNAME", "orders-7d9c5b8f6c-x2v9k"),
        ("POD_NAMESPACE", "shop"),
        ("POD_UID", "0b8f1f6e-7a3e-4f0c-9d43-2a1b3c4d5e6f"),
        ("GIT_COMMIT", "58e6b3a414a1e090dfc6029add0f3555ccba127f"),
        ("RUST_LOG", "info,tower_http=debug"),
        ("DATABASE_URL", "postgres://app:hunter2@db.internal:5432/prod"),
        ("REDIS_URL", "redis://cache.internal:6379/0"),
        ("OTEL_SERVICE_NAME", "orders"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://collector.observability:4317",
        ),
        ("AWS_REGION", "eu-central-1"),
        ("JAVA_OPTS", "-Xmx512m -Dfile.encoding=UTF-8"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    services.chain(own)
}

/// Generates 200 variables whose values are of eight kinds: paths, URLs with passwords, words, numbers, URLs without
/// passwords, hashes, flags, and sentences.
fn hard() -> impl Iterator<Item = (String, String)> {
    (0..200).map(|index| {
        let value = match index % 8 {
            0 => format!("/usr/local/lib/app{index}/bin:/usr/bin:/bin"),
            1 => format!("postgres://app:hunter{index}@db.internal:5432/prod"),
            2 => "production".to_owned(),
            3 => format!("{index}"),
            4 => format!("https://service-{index}.example.com/api/v1?page=2"),
            5 => "58e6b3a414a1e090dfc6029add0f3555ccba127f".to_owned(),
            6 => format!("-Xmx512m -Dfile.encoding=UTF-8 -Dport={index}"),
            _ => "some words of a description that is a little longer".to_owned(),
        };
        (format!("SERVICE_{index}_SETTING"), value)
    })
}

/// The durations of the runs of one measurement. The fastest run shows the cost of the code. If the median is much
/// higher, the machine was busy.
struct Taken {
    fastest: Duration,
    median: Duration,
}

fn measure(rounds: usize, mut run: impl FnMut()) -> Taken {
    let mut taken = Vec::new();
    let began = Instant::now();
    while taken.len() < rounds && taken.last().is_none_or(|last| *last < ENOUGH) {
        let start = processor_time().unwrap_or_else(|| began.elapsed());
        run();
        taken.push(
            processor_time()
                .unwrap_or_else(|| began.elapsed())
                .saturating_sub(start),
        );
    }
    taken.sort();
    let at = |place: usize| taken.get(place).copied().unwrap_or_default();
    Taken {
        fastest: at(0),
        median: at(taken.len() / 2),
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Returns the CPU time that this thread has used. Unlike wall-clock time, CPU time doesn't include the time in which
/// other programs use the CPU.
///
/// Returns `None` on systems without `/proc/thread-self/schedstat`, which only Linux has.
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
