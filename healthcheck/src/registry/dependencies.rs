//! Which check waits for which: unknown names, cycles, and liveness that would hang on the outside.

use std::collections::HashMap;

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
    pub(super) fn new<'a>(
        checks: impl Iterator<Item = &'a mut CheckInfo>,
        all: &[String],
        problems: &mut Vec<String>,
        warnings: &mut Vec<String>,
    ) -> Self {
        let mut checks: Vec<&mut CheckInfo> = checks.collect();
        let index: HashMap<String, u32> = (0..)
            .zip(&checks)
            .map(|(index, info)| (info.name().to_owned(), index))
            .collect();
        let mut edges = vec![Edges::default(); checks.len()];
        for (from, info) in (0..).zip(&mut checks) {
            let mut kept = info.options().depends_on.to_vec();
            kept.retain(|on| {
                if let Some(&on) = index.get(&**on) {
                    edges[from as usize].depends_on.push(on);
                    edges[on as usize].dependants.push(from);
                    return true;
                }
                let (name, at) = (info.name(), info.location());
                if all.iter().any(|known| *known == **on) {
                    warnings.push(format!(
                        "the check `{name}` runs without `{on}`, which is disabled"
                    ));
                } else {
                    problems.push(format!(
                        "the check `{name}` ({at}) depends on `{on}`, which is no check; the checks are: {}",
                        all.join(", ")
                    ));
                }
                false
            });
            info.options_mut().depends_on = kept.into_boxed_slice();
        }
        let graph = Self { edges };
        let names: Vec<&CheckInfo> = checks.into_iter().map(|info| &*info).collect();
        match graph.cycle() {
            Some(cycle) => problems.push(format!(
                "checks depend on each other in a circle: {}",
                path(&cycle, &names)
            )),
            None => problems.extend(graph.liveness_on_the_outside(&names)),
        }
        graph
    }

    /// One cycle, if there is any, its first check again at its end. Iterative, so that no chain overflows the stack.
    fn cycle(&self) -> Option<Vec<u32>> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            OnPath,
            Done,
        }
        let mut marks = vec![Mark::New; self.edges.len()];
        for start in 0..self.edges.len() {
            let mut path: Vec<(usize, usize)> = Vec::new();
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
                        return Some(
                            nodes
                                .chain([on])
                                .filter_map(|node| u32::try_from(node).ok())
                                .collect(),
                        );
                    }
                    Mark::Done => {}
                }
            }
        }
        None
    }

    /// For each liveness check that reaches an external one: a sentence with the way there.
    fn liveness_on_the_outside(&self, checks: &[&CheckInfo]) -> Vec<String> {
        let liveness = (0..)
            .zip(checks)
            .filter(|(_, info)| info.options().liveness && !info.options().external);
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

    fn way_outside(&self, start: u32, checks: &[&CheckInfo]) -> Option<Vec<u32>> {
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

fn path(way: &[u32], checks: &[&CheckInfo]) -> String {
    let names: Vec<String> = way
        .iter()
        .map(|&node| format!("`{}`", checks[node as usize].name()))
        .collect();
    names.join(" → ")
}
