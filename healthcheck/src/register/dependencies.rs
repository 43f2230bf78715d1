//! Validates the dependencies of checks: finds unknown names, cycles, and liveness checks that depend on external
//! checks.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use crate::model::CheckInfo;
use crate::world::graph;

/// Adds each problem with the dependencies of `checks` to `problems`. `checks` must be sorted by name. `all` has the
/// names of all checks, including the disabled checks.
pub(super) fn find_problems(
    checks: &[Arc<CheckInfo>],
    all: &[Cow<'static, str>],
    problems: &mut Vec<String>,
) {
    let mut depends_on: Vec<Vec<u32>> = Vec::with_capacity(checks.len());
    let places: HashMap<&str, u32> = checks.iter().map(|info| info.name()).zip(0..).collect();
    for info in checks {
        let mut edges = Vec::with_capacity(info.options().depends_on.len());
        let declared = &info.options().depends_on;
        for (place, name) in declared.iter().enumerate() {
            if declared[..place].contains(name) {
                continue;
            }
            if let Some(&on) = places.get(&**name) {
                edges.push(on);
            } else if all.binary_search(name).is_err() {
                let (dependant, at) = (info.name(), info.location());
                problems.push(format!(
                    "the check `{dependant}` ({at}) depends on `{name}`, which is no check; the checks are: {}",
                    all.join(", ")
                ));
            }
        }
        depends_on.push(edges);
    }
    let circles = graph::ranks(&depends_on).err().unwrap_or_default();
    problems.extend(circles.iter().map(|circle| {
        let places: Vec<String> = circle
            .iter()
            .map(|&node| checks[node as usize].location())
            .collect();
        let around: Vec<u32> = circle.iter().chain(circle.first()).copied().collect();
        format!(
            "checks depend on each other in a circle: {} ({})",
            path(&around, checks),
            places.join(", ")
        )
    }));
    problems.extend(liveness_on_the_outside(checks, &depends_on));
}

/// Returns a problem for each liveness check that depends on an external check, directly or through other checks. The
/// text of the problem shows the path to the external check.
fn liveness_on_the_outside(checks: &[Arc<CheckInfo>], depends_on: &[Vec<u32>]) -> Vec<String> {
    let reaches = reaches_outside(checks, depends_on);
    let inside = (0..).zip(checks).zip(reaches).filter(|((_, info), reaches)| {
        let options = info.options();
        options.liveness && !options.external && *reaches
    });
    let outside = inside.filter_map(|((start, info), _)| {
        let way = way_outside(start, checks, depends_on)?;
        Some(format!(
            "the liveness check `{}` ({}) depends on the outside: {}; a restart can't repair that",
            info.name(),
            info.location(),
            path(&way, checks)
        ))
    });
    outside.collect()
}

/// Returns, in the order of `checks`, whether each check depends on an external check, directly or through other
/// checks.
fn reaches_outside(checks: &[Arc<CheckInfo>], depends_on: &[Vec<u32>]) -> Vec<bool> {
    let mut dependants: Vec<Vec<u32>> = vec![Vec::new(); checks.len()];
    for (from, on) in (0..).zip(depends_on) {
        on.iter().for_each(|&on| dependants[on as usize].push(from));
    }
    let mut reaches = vec![false; checks.len()];
    let external = (0..).zip(checks).filter(|(_, info)| info.options().external);
    let mut to_see: Vec<u32> = external.map(|(index, _)| index).collect();
    while let Some(node) = to_see.pop() {
        for &dependant in &dependants[node as usize] {
            if !std::mem::replace(&mut reaches[dependant as usize], true) {
                to_see.push(dependant);
            }
        }
    }
    reaches
}

fn way_outside(start: u32, checks: &[Arc<CheckInfo>], depends_on: &[Vec<u32>]) -> Option<Vec<u32>> {
    let mut came_from: HashMap<u32, u32> = HashMap::new();
    let mut to_see = vec![start];
    while let Some(node) = to_see.pop() {
        if node != start && checks[node as usize].options().external {
            let way = std::iter::successors(Some(node), |node| came_from.get(node).copied());
            let mut way: Vec<u32> = way.collect();
            way.reverse();
            return Some(way);
        }
        for &on in &depends_on[node as usize] {
            if on != start && !came_from.contains_key(&on) {
                came_from.insert(on, node);
                to_see.push(on);
            }
        }
    }
    None
}

fn path(way: &[u32], checks: &[Arc<CheckInfo>]) -> String {
    let names: Vec<String> = way
        .iter()
        .map(|&node| format!("`{}`", checks[node as usize].name()))
        .collect();
    names.join(" → ")
}
