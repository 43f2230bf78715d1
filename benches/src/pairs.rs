//! Measures two programs in turn, and computes medians of the results. `ours` stands for the program that uses the
//! library, and `theirs` for the program that the bench compares it with.

use std::time::Duration;

use crate::Result;

/// The results of a comparison of two programs. Each round of the comparison adds one pair.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

impl Pairs {
    /// Measures both programs in a warm-up round and then in as many rounds as `rounds` says. The program that runs
    /// first changes from round to round.
    ///
    /// Returns an error if a measurement fails.
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

    /// Adds the two results of a round.
    pub fn push(&mut self, ours: f64, theirs: f64) {
        self.ours.push(ours);
        self.theirs.push(theirs);
    }

    /// Returns the median of the ratios of all rounds. A ratio is our result divided by their result.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        let ratios = self.ours.iter().zip(&self.theirs);
        median(ratios.map(|(ours, theirs)| ours / theirs).collect())
    }

    /// Returns the median of the results of our program, which uses the library.
    #[must_use]
    pub fn ours(&self) -> f64 {
        median(self.ours.clone())
    }

    /// Returns the median of the results of the program that the bench compares ours with.
    #[must_use]
    pub fn theirs(&self) -> f64 {
        median(self.theirs.clone())
    }

    /// Returns the median of the differences of all rounds. A difference is our result minus their result.
    #[must_use]
    pub fn difference(&self) -> f64 {
        let differences = self.ours.iter().zip(&self.theirs);
        median(differences.map(|(ours, theirs)| ours - theirs).collect())
    }
}

/// A type that can be the result of a measurement.
pub trait Measured {
    /// Returns the result as a number. If the result is a time, returns the seconds.
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

/// Returns the median of the values, or 0 if there are no values.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
