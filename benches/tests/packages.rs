//! Asserts a limit for the number of packages that the library adds to an application's build.

use std::collections::BTreeSet;

use healthcheck_benches::{Result, apps};

#[test]
fn an_axum_application_builds_at_most_ten_more_packages() -> Result {
    let bare = apps::bare()?.packages()?;
    let ours = apps::merged()?.packages()?;
    let more: BTreeSet<&String> = ours.difference(&bare).collect();
    // The library itself has three packages. Fewer would mean that this test compares the wrong things.
    assert!(bare.len() > 30 && more.len() >= 3, "{bare:#?} {more:#?}");
    assert!(more.len() <= 10, "{} more packages: {more:#?}", more.len());
    assert!(
        bare.is_subset(&ours),
        "other versions: {:#?}",
        bare.difference(&ours)
    );
    Ok(())
}
