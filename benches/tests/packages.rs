//! Limits the number of packages that the library adds to the build of an application.

use std::collections::BTreeSet;

use healthcheck_benches::{Result, apps};

#[test]
fn an_axum_application_builds_at_most_ten_more_packages() -> Result {
    let bare = apps::bare()?.packages()?;
    let ours = apps::merged()?.packages()?;
    let more: BTreeSet<&String> = ours.difference(&bare).collect();
    // Axum alone needs more than 30 packages, and the library itself consists of three. If this test finds fewer, it
    // compares the wrong builds.
    assert!(bare.len() > 30 && more.len() >= 3, "{bare:#?} {more:#?}");
    assert!(more.len() <= 10, "{} more packages: {more:#?}", more.len());
    assert!(
        bare.is_subset(&ours),
        "other versions: {:#?}",
        bare.difference(&ours)
    );
    Ok(())
}
