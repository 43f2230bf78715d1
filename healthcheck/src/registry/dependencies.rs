//! Which check waits for which: unknown names, cycles, and liveness that would hang on the outside.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use crate::check::CheckInfo;

/// Who depends on whom, by index.
pub(super) struct Graph {
    pub(super) edges: Vec<Edges>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Edges {
    pub(super) depends_on: Vec<u32>,
    pub(super) dependants: Vec<u32>,
}

impl Graph {
    /// The graph of these checks; `all` are the names of all that exist, be they disabled.
    pub(super) fn new(
        checks: &mut [Arc<CheckInfo>],
        all: &[Cow<'static, str>],
        problems: &mut Vec<String>,
        warnings: &mut Vec<String>,
    ) -> Self {
        let mut edges = vec![Edges::default(); checks.len()];
        for from in 0..checks.len() {
            let info = &checks[from];
            let mut kept: Vec<Cow<'static, str>> = Vec::new();
            for name in &info.options().depends_on {
                if !kept.contains(name) {
                    kept.push(name.clone());
                }
            }
            kept.retain(|name| {
                // They are sorted by name, and so are all.
                if let Ok(on) = checks.binary_search_by(|it| it.name().cmp(name)) {
                    edges[from].depends_on.extend(u32::try_from(on));
                    edges[on].dependants.extend(u32::try_from(from));
                    return true;
                }
                let (dependant, at) = (info.name(), info.location());
                if all.binary_search(name).is_ok() {
                    warnings.push(format!(
                        "the check `{dependant}` runs without `{name}`, which is disabled"
                    ));
                } else {
                    problems.push(format!(
                        "the check `{dependant}` ({at}) depends on `{name}`, which is no check; the checks are: {}",
                        all.join(", ")
                    ));
                }
                false
            });
            if kept.len() < info.options().depends_on.len() {
                Arc::make_mut(&mut checks[from]).options_mut().depends_on = kept.into_boxed_slice();
            }
        }
        let graph = Self { edges };
        problems.extend(graph.circles().iter().map(|circle| {
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
        problems.extend(graph.liveness_on_the_outside(checks));
        graph
    }

    /// The circles, of those that share a check one. Iterative, so that no chain overflows the stack.
    fn circles(&self) -> Vec<Vec<u32>> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            OnPath,
            Done,
        }
        let mut marks = vec![Mark::New; self.edges.len()];
        let mut path: Vec<(usize, usize)> = Vec::new();
        let mut circles: Vec<Vec<u32>> = Vec::new();
        let mut told = vec![false; self.edges.len()];
        for start in 0..self.edges.len() {
            if marks[start] == Mark::New {
                marks[start] = Mark::OnPath;
                path.push((start, 0));
            }
            while let Some((node, next)) = path.last_mut() {
                let Some(&on) = self.edges[*node].depends_on.get(*next) else {
                    marks[*node] = Mark::Done;
                    path.pop();
                    continue;
                };
                *next += 1;
                let on = on as usize;
                match marks[on] {
                    Mark::New => {
                        marks[on] = Mark::OnPath;
                        path.push((on, 0));
                    }
                    Mark::OnPath => {
                        let nodes = path.iter().map(|&(node, _)| node).skip_while(|&node| node != on);
                        if !nodes.clone().any(|node| told[node]) {
                            nodes.clone().for_each(|node| told[node] = true);
                            circles.push(nodes.filter_map(|node| u32::try_from(node).ok()).collect());
                        }
                    }
                    Mark::Done => {}
                }
            }
        }
        circles
    }

    /// For each liveness check that reaches an external one: a sentence with the way there.
    fn liveness_on_the_outside(&self, checks: &[Arc<CheckInfo>]) -> Vec<String> {
        let reaches = self.reaches_outside(checks);
        let liveness = (0..)
            .zip(checks)
            .zip(reaches)
            .filter_map(|((start, info), reaches)| {
                let inside = info.options().liveness && !info.options().external;
                (inside && reaches).then_some((start, info))
            });
        let outside = liveness.filter_map(|(start, info)| {
            let way = self.way_outside(start, checks)?;
            Some(format!(
                "the liveness check `{}` ({}) depends on the outside: {}; a restart can't repair that",
                info.name(),
                info.location(),
                path(&way, checks)
            ))
        });
        outside.collect()
    }

    /// For each check, whether any way leads from it to an external one.
    fn reaches_outside(&self, checks: &[Arc<CheckInfo>]) -> Vec<bool> {
        let mut reaches = vec![false; checks.len()];
        let external = (0..).zip(checks).filter(|(_, info)| info.options().external);
        let mut to_see: Vec<u32> = external.map(|(index, _)| index).collect();
        while let Some(node) = to_see.pop() {
            for &dependant in &self.edges[node as usize].dependants {
                if !std::mem::replace(&mut reaches[dependant as usize], true) {
                    to_see.push(dependant);
                }
            }
        }
        reaches
    }

    fn way_outside(&self, start: u32, checks: &[Arc<CheckInfo>]) -> Option<Vec<u32>> {
        let mut came_from: HashMap<u32, u32> = HashMap::new();
        let mut to_see = vec![start];
        while let Some(node) = to_see.pop() {
            if node != start && checks[node as usize].options().external {
                let way = std::iter::successors(Some(node), |node| came_from.get(node).copied());
                let mut way: Vec<u32> = way.collect();
                way.reverse();
                return Some(way);
            }
            for &on in &self.edges[node as usize].depends_on {
                if on != start && !came_from.contains_key(&on) {
                    came_from.insert(on, node);
                    to_see.push(on);
                }
            }
        }
        None
    }
}

fn path(way: &[u32], checks: &[Arc<CheckInfo>]) -> String {
    let names: Vec<String> = way
        .iter()
        .map(|&node| format!("`{}`", checks[node as usize].name()))
        .collect();
    names.join(" → ")
}
