//! Tests selections. A selection decides which checks a report contains.

use healthcheck::{Check, Overall, Selection};

use crate::support::{built, by_hand};

fn names(report: &healthcheck::Report) -> Vec<&str> {
    report.results.iter().map(|result| &*result.checker).collect()
}

fn fleet() -> healthcheck::HealthCheck {
    built([
        Check::new("d", async || true).liveness(),
        Check::new("c", async || true).tags(["cache", "far"]),
        Check::new("b", async || true).startup(),
        Check::new("a", async || true).tags(["far"]),
    ])
}

#[tokio::test]
async fn results_are_ordered_by_name_whatever_the_order_of_registration() {
    assert_eq!(names(&*fleet().report().await), ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn a_check_that_names_no_probe_is_a_readiness_check() {
    let health = fleet();
    let told = async |selection| names(&health.report_for(&selection).await.unwrap()).join(" ");
    assert_eq!(told(Selection::readiness()).await, "a c");
    assert_eq!(told(Selection::liveness()).await, "d");
    assert_eq!(told(Selection::startup()).await, "b");
}

#[tokio::test]
async fn checks_and_tags_unite_and_exclusions_subtract() {
    let health = fleet();
    let told = async |selection| names(&health.report_for(&selection).await.unwrap()).join(" ");
    assert_eq!(told(Selection::checks(["d", "a"])).await, "a d");
    assert_eq!(told(Selection::tag("far").with_check("d")).await, "a c d");
    assert_eq!(told(Selection::tag("far").exclude("a")).await, "c");
    assert_eq!(told(Selection::readiness().with_tag("cache")).await, "c");
}

#[tokio::test]
async fn an_unknown_check_or_tag_is_an_error_that_lists_the_known_ones() {
    let health = fleet();
    let error = health
        .report_for(&Selection::checks(["x"]).with_tag("y"))
        .await
        .unwrap_err();
    assert_eq!(error.unknown_checks(), ["x"]);
    assert_eq!(error.known_tags(), ["cache", "far"]);
    assert_eq!(
        error.to_string(),
        "unknown check `x`; the checks are: a, b, c, d; unknown tag `y`; the tags are: cache, far"
    );
}

#[tokio::test]
async fn a_check_outside_of_the_probe_is_unknown_there() {
    let error = fleet()
        .report_for(&Selection::readiness().with_check("d"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.unknown_checks(), error.known_checks()),
        (&["d".to_owned()][..], &["a".to_owned(), "c".to_owned()][..])
    );
}

#[tokio::test]
async fn an_unknown_exclusion_is_a_warning() {
    let report = fleet().report_for(&Selection::all().exclude("x")).await.unwrap();
    assert_eq!(report.warnings, ["there is no check `x` to exclude"]);
    assert_eq!(report.results.len(), 4);
}

#[tokio::test]
async fn a_probe_without_checks_passes() {
    let health = built([Check::new("a", async || false)]);
    let report = health.report_for(&Selection::liveness()).await.unwrap();
    assert_eq!((report.status, report.results.len()), (Overall::Success, 0));
}

#[tokio::test]
async fn what_is_excluded_is_not_run() {
    let health = built([
        Check::new("a", async || -> bool { panic!("it ran") }),
        Check::new("b", async || true),
    ]);
    let report = health.report_for(&Selection::all().exclude("a")).await.unwrap();
    assert_eq!(report.status, Overall::Success);
    assert_eq!(health.statistics().checks[0].failures, 0);
}

#[tokio::test]
async fn a_registry_without_checks_passes_with_a_warning() {
    let report = by_hand().build().unwrap().report().await;
    assert_eq!((report.status, report.results.len()), (Overall::Success, 0));
    assert!(
        report.warnings[0].starts_with("no check is registered"),
        "{:?}",
        report.warnings
    );
}

#[tokio::test]
async fn what_is_named_twice_is_told_once() {
    let health = fleet();
    let twice = |selection: Selection| {
        selection
            .with_check("x")
            .with_check("x")
            .with_tag("y")
            .with_tag("y")
    };
    let error = health.report_for(&twice(Selection::all())).await.unwrap_err();
    assert_eq!(
        (error.unknown_checks(), error.unknown_tags()),
        (&["x".to_owned()][..], &["y".to_owned()][..])
    );
    let report = health
        .report_for(&Selection::all().exclude("x").exclude("x"))
        .await
        .unwrap();
    assert_eq!(report.warnings, ["there is no check `x` to exclude"]);
}

#[tokio::test]
async fn a_selection_that_names_very_much_costs_no_more_than_its_length() {
    let checks = (0..2_000).map(|i| Check::new(format!("{i:04}"), async || true).tags(["x"]));
    let health = built(checks);
    let again =
        |selection: Selection, add: fn(Selection, usize) -> Selection| (0..20_000).fold(selection, add);
    let began = std::time::Instant::now();
    let tagged = again(Selection::all(), |selection, _| selection.with_tag("x"));
    assert_eq!(health.report_for(&tagged).await.unwrap().results.len(), 2_000);
    let less = again(Selection::all(), |selection, i| {
        selection.exclude(format!("no {i}"))
    });
    assert_eq!(health.report_for(&less).await.unwrap().warnings.len(), 20_000);
    let unknown = again(Selection::all(), |selection, i| {
        selection.with_tag(format!("no {i}"))
    });
    assert!(health.report_for(&unknown).await.is_err());
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}
