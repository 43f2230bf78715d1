//! Tests environment sections, which are part of the health report or of the environment page.

use std::time::Duration;

use healthcheck::EnvironmentDump;
use serde_json::json;
use tokio::time::advance;

use crate::support::{Lever, by_hand};

fn by_hand_dump() -> healthcheck::EnvironmentDumpBuilder {
    EnvironmentDump::builder().discover(false)
}

#[tokio::test]
async fn the_built_in_sections_are_there_and_each_can_be_left_out() {
    let all = by_hand_dump().build().unwrap().collect().await;
    assert_eq!(all.keys().collect::<Vec<_>>(), ["os", "process", "rust"]);
    assert_eq!(all["process"]["pid"], std::process::id());
    let none = by_hand_dump()
        .include_os(false)
        .include_rust(false)
        .include_process(false)
        .build()
        .unwrap();
    assert!(none.collect().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_section_that_fails_or_panics_is_an_error_in_its_place() {
    let dump = by_hand_dump()
        .section_fn("bad", || std::collections::HashMap::from([((1, 2), 3)]))
        .section_fn("panics", || -> u8 { panic!("at the disco") })
        .section_fn("fine", || 1)
        .build()
        .unwrap();
    let sections = dump.collect().await;
    assert_eq!(
        sections["bad"],
        json!({ "error": "the output can't be shown: key must be a string" })
    );
    assert_eq!(sections["panics"], json!({ "error": "panicked: at the disco" }));
    assert_eq!(sections["fine"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_section_that_hangs_is_an_error_in_the_health_body_and_keeps_nothing_else() {
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = std::sync::Mutex::new(blocked);
    let health = by_hand()
        .timeout(Duration::from_millis(50))
        .section_fn("hangs", move || blocked.lock().unwrap().recv().is_ok())
        .section("version", "1.2.3")
        .build()
        .unwrap();
    let report = health.report().await;
    assert_eq!(
        report.sections["hangs"],
        json!({ "error": "timed out after 50 ms" })
    );
    assert_eq!(report.sections["version"], "1.2.3");
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn in_the_health_body_a_section_is_cached_like_a_check_and_on_the_page_never() {
    let (in_health, on_page) = (Lever::default(), Lever::default());
    let counted = |lever: &Lever| {
        let lever = lever.clone();
        move || {
            let _ = lever.pull();
            lever.runs()
        }
    };
    let health = by_hand()
        .section_fn("count", counted(&in_health))
        .build()
        .unwrap();
    let dump = by_hand_dump()
        .section_fn("count", counted(&on_page))
        .build()
        .unwrap();
    for _ in 0..3 {
        health.report().await;
        dump.collect().await;
    }
    assert_eq!((in_health.runs(), on_page.runs()), (1, 3));
    advance(Duration::from_secs(28)).await;
    health.report().await;
    assert_eq!(in_health.runs(), 2);
}

#[tokio::test]
async fn a_taken_name_is_an_error() {
    let error = by_hand_dump().section("os", 1).build().unwrap_err();
    assert!(
        error.to_string().contains("two sections are named `os`"),
        "{error}"
    );
    let error = by_hand_dump()
        .section("a", 1)
        .section("a", 2)
        .section("", 3)
        .build()
        .unwrap_err();
    assert_eq!(error.problems().len(), 2, "{error}");
}

#[tokio::test]
async fn a_dump_without_variables_tells_their_names_only() {
    let dump = by_hand_dump()
        .include_os(false)
        .include_rust(false)
        .build()
        .unwrap();
    let shown = dump.collect().await;
    let hidden = dump.without_variables().collect().await;
    let names = |sections: &serde_json::Map<String, serde_json::Value>| {
        sections["process"]["environ"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&shown), names(&hidden));
    let values = hidden["process"]["environ"].as_object().unwrap().values();
    assert!(values.into_iter().all(|value| value == "********"));
    assert_eq!(shown["process"]["pid"], hidden["process"]["pid"]);
}

#[tokio::test]
async fn a_section_under_a_secret_name_is_hidden_below() {
    let dump = by_hand_dump()
        .section("app", json!({ "db": { "password": { "deep": "hunter2" } } }))
        .build()
        .unwrap();
    assert_eq!(dump.collect().await["app"]["db"]["password"], "********");
}
