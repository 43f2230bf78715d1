//! Two things measured in turn, and the medians of what that gave.

use std::time::Duration;

use crate::Result;

/// What the rounds of a comparison gave.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

impl Pairs {
    /// Measures both in each of `rounds`, the second of them first in every other one, after one round that doesn't
    /// count.
    ///
    /// # Errors
    /// That of a measurement.
    pub fn measure<T: Measured>(
        rounds: usize,
        mut ours: impl FnMut() -> Result<T>,
        mut theirs: impl FnMut() -> Result<T>,
    ) -> Result<Self> {
        let mut pairs = Self::default();
        for round in 0..=rounds {
            let (one, other) = if round % 2 == 0 {
                let one = ours()?;
                (one, theirs()?)
            } else {
                let other = theirs()?;
                (ours()?, other)
            };
            if round > 0 {
                pairs.push(one.number(), other.number());
            }
        }
        Ok(pairs)
    }

    /// Adds the figures of one round.
    pub fn push(&mut self, ours: f64, theirs: f64) {
        self.ours.push(ours);
        self.theirs.push(theirs);
    }

    /// The median of ours divided by theirs, of the same round each.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        let ratios = self.ours.iter().zip(&self.theirs);
        median(ratios.map(|(ours, theirs)| ours / theirs).collect())
    }

    /// The median of ours.
    #[must_use]
    pub fn ours(&self) -> f64 {
        median(self.ours.clone())
    }

    /// The median of theirs.
    #[must_use]
    pub fn theirs(&self) -> f64 {
        median(self.theirs.clone())
    }

    /// The median of ours less theirs, of the same round each.
    #[must_use]
    pub fn difference(&self) -> f64 {
        let differences = self.ours.iter().zip(&self.theirs);
        median(differences.map(|(ours, theirs)| ours - theirs).collect())
    }
}

/// What a round may give.
pub trait Measured {
    /// As a number; times in seconds.
    fn number(&self) -> f64;
}

impl Measured for f64 {
    fn number(&self) -> f64 {
        *self
    }
}

impl Measured for Duration {
    fn number(&self) -> f64 {
        self.as_secs_f64()
    }
}

/// The median; 0 of nothing.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
