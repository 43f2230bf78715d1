//! Sorts a dependency graph in topological order, and finds its cycles.

/// Returns the rank of each node in topological order: the rank of a node is higher than the ranks of its dependencies.
/// `depends_on` lists the dependencies of each node.
///
/// The algorithm doesn't recurse, so a long chain of dependencies can't overflow the stack.
///
/// # Errors
/// The graph has cycles. The error lists them, but if several cycles share a node, the error lists only one of these
/// cycles.
pub(crate) fn ranks(depends_on: &[Vec<u32>]) -> Result<Vec<u32>, Vec<Vec<u32>>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        OnPath,
        Done,
    }
    let mut marks = vec![Mark::New; depends_on.len()];
    let mut ranks = vec![0; depends_on.len()];
    let mut next_rank = 0;
    let mut path: Vec<(usize, usize)> = Vec::new();
    let mut circles: Vec<Vec<u32>> = Vec::new();
    let mut in_circle = vec![false; depends_on.len()];
    for start in 0..depends_on.len() {
        if marks[start] == Mark::New {
            marks[start] = Mark::OnPath;
            path.push((start, 0));
        }
        while let Some((node, next)) = path.last_mut() {
            let Some(&on) = depends_on[*node].get(*next) else {
                marks[*node] = Mark::Done;
                ranks[*node] = next_rank;
                next_rank += 1;
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
                    if !nodes.clone().any(|node| in_circle[node]) {
                        nodes.clone().for_each(|node| in_circle[node] = true);
                        circles.push(nodes.filter_map(|node| u32::try_from(node).ok()).collect());
                    }
                }
                Mark::Done => {}
            }
        }
    }
    if circles.is_empty() {
        Ok(ranks)
    } else {
        Err(circles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_node_stands_behind_what_it_depends_on() {
        let depends_on = [vec![2], vec![0, 2], vec![3], vec![]];
        let ranks = ranks(&depends_on).expect("no circle");
        for (node, on) in depends_on.iter().enumerate() {
            assert!(on.iter().all(|&on| ranks[on as usize] < ranks[node]));
        }
    }

    #[test]
    fn each_circle_is_found_and_a_long_chain_is_none() {
        let circles = ranks(&[vec![1], vec![0], vec![2], vec![]]).expect_err("two circles");
        assert_eq!(circles, [vec![0, 1], vec![2]]);
        let length: u32 = if cfg!(miri) { 1_000 } else { 100_000 };
        let chain: Vec<Vec<u32>> = (0..length)
            .map(|node| node.checked_sub(1).into_iter().collect())
            .collect();
        assert!(ranks(&chain).is_ok());
    }
}
