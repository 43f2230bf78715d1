//! Parses and compares the amounts in thresholds: "15%", "2GiB", "5000".

use std::fmt;

/// An amount in one of three forms: a share of a total, a count of things, or a number of bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Amount {
    /// A share of the total, as a fraction from 0 to 1.
    Share(f64),
    Count(u64),
    Bytes(u64),
}

/// The unit of an amount that is written without a percent sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Bytes,
    Count,
}

impl Amount {
    /// Parses an amount such as "5%". If `text` is invalid, the error shows an example of a valid amount.
    pub(super) fn parse(text: &str, unit: Unit) -> Result<Self, String> {
        let written = text.trim();
        let amount = match written.strip_suffix('%') {
            Some(percent) => share(percent),
            None => match unit {
                Unit::Bytes => bytes(written).map(Self::Bytes),
                Unit::Count => written.parse().ok().map(Self::Count),
            },
        };
        amount.ok_or_else(|| {
            let example = match unit {
                Unit::Bytes => "a size like \"2GiB\" or \"500MB\"",
                Unit::Count => "a number like \"5000\"",
            };
            format!("write a share from \"0%\" to \"100%\", or {example}")
        })
    }

    /// Returns this limit times `1 + margin`, but at most `whole`, which is the highest possible value.
    ///
    /// After a value has fallen below this limit, the check recovers only once the value has reached the raised limit.
    pub(super) fn raised(self, margin: f64, whole: u64) -> Self {
        let moved = |limit: u64| (limit as f64 * (1.0 + margin)).ceil().min(whole as f64) as u64;
        match self {
            Self::Share(share) => Self::Share(exact(share * (1.0 + margin)).min(1.0)),
            Self::Count(limit) => Self::Count(moved(limit).max(limit)),
            Self::Bytes(limit) => Self::Bytes(moved(limit).max(limit)),
        }
    }

    /// Returns this limit times `1 - margin`.
    ///
    /// After a value has risen above this limit, the check recovers only once the value has reached the lowered limit.
    pub(super) fn lowered(self, margin: f64) -> Self {
        let moved = |limit: u64| (limit as f64 * (1.0 - margin)).floor() as u64;
        match self {
            Self::Share(share) => Self::Share(exact(share * (1.0 - margin))),
            Self::Count(limit) => Self::Count(moved(limit)),
            Self::Bytes(limit) => Self::Bytes(moved(limit)),
        }
    }

    /// Parses a share such as "5%". Returns `None` if `text` isn't a share.
    pub(super) fn share_of(text: &str) -> Option<f64> {
        match Self::parse(text, Unit::Count) {
            Ok(Self::Share(share)) => Some(share),
            _ => None,
        }
    }

    /// Returns true if this amount is above `value`. If this amount is a share, compares it with `value / whole`.
    pub(super) fn is_above(self, value: u64, whole: u64) -> bool {
        match self {
            Self::Share(share) => fraction(value, whole) < share,
            Self::Count(limit) | Self::Bytes(limit) => value < limit,
        }
    }

    /// Returns true if this amount is below `value`. If this amount is a share, compares it with `value / whole`.
    pub(super) fn is_below(self, value: u64, whole: u64) -> bool {
        match self {
            Self::Share(share) => fraction(value, whole) > share,
            Self::Count(limit) | Self::Bytes(limit) => value > limit,
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Share(share) => {
                // Round to one decimal place, as in `12.3`. `f64` formats a whole number as `15`, without `.0`.
                let percent = (share * 1000.0).round() / 10.0;
                write!(f, "{percent}%")
            }
            Self::Count(count) => write!(f, "{count}"),
            Self::Bytes(bytes) => {
                let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
                let mut size = bytes as f64;
                let mut unit = "bytes";
                for larger in units {
                    if size < 1024.0 {
                        break;
                    }
                    size /= 1024.0;
                    unit = larger;
                }
                let size = (size * 10.0).round() / 10.0;
                write!(f, "{size} {unit}")
            }
        }
    }
}

/// Rounds a share to 9 decimal places. So the share `0.05 * 1.02` becomes exactly `0.051`, without a rounding error.
fn exact(share: f64) -> f64 {
    (share * 1e9).round() / 1e9
}

/// Returns `value / whole`, or 0 if `whole` is 0.
pub(super) fn fraction(value: u64, whole: u64) -> f64 {
    match whole {
        0 => 0.0,
        _ => value as f64 / whole as f64,
    }
}

fn share(percent: &str) -> Option<Amount> {
    let percent: f64 = percent.trim_end().parse().ok()?;
    (0.0..=100.0)
        .contains(&percent)
        .then_some(Amount::Share(percent / 100.0))
}

fn bytes(text: &str) -> Option<u64> {
    let end_of_number = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at_checked(end_of_number)?;
    let number: f64 = number.trim_end().parse().ok()?;
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    };
    let bytes = number * factor as f64;
    // Reject amounts above 1e18 bytes: no file system is larger.
    (0.0..=1e18).contains(&bytes).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_sizes_are_read_as_people_write_them() {
        for (text, amount) in [
            ("15%", Amount::Share(0.15)),
            (" 12.5 % ", Amount::Share(0.125)),
            ("0%", Amount::Share(0.0)),
            ("2GiB", Amount::Bytes(2 << 30)),
            ("1.5 kib", Amount::Bytes(1536)),
            ("500MB", Amount::Bytes(500_000_000)),
            ("12b", Amount::Bytes(12)),
        ] {
            assert_eq!(Amount::parse(text, Unit::Bytes), Ok(amount), "{text:?}");
        }
        assert_eq!(Amount::parse("5000", Unit::Count), Ok(Amount::Count(5000)));
    }

    #[test]
    fn anything_else_is_told_what_to_write() {
        for text in [
            "",
            "%",
            "15 percent",
            "-1%",
            "101%",
            "NaN%",
            "inf%",
            "15",
            "GiB",
            "-2GiB",
            "2 apples",
            "1e300TB",
            "٣%",
            "2GiB2",
            "1.2.3MB",
        ] {
            let problem = Amount::parse(text, Unit::Bytes);
            assert!(
                problem.is_err_and(|problem| problem.contains("\"2GiB\"")),
                "{text:?}"
            );
        }
        for text in ["many", "-1", "1.5", "2GiB"] {
            assert!(Amount::parse(text, Unit::Count).is_err(), "{text:?}");
        }
    }

    #[test]
    fn amounts_are_shown_short() {
        assert_eq!(Amount::Share(0.15).to_string(), "15%");
        assert_eq!(Amount::Share(0.1234).to_string(), "12.3%");
        assert_eq!(Amount::Bytes(0).to_string(), "0 bytes");
        assert_eq!(Amount::Bytes(1536).to_string(), "1.5 KiB");
        assert_eq!(Amount::Bytes(u64::MAX).to_string(), "16 EiB");
    }

    #[test]
    fn a_moved_amount_can_still_be_reached() {
        assert_eq!(Amount::Share(0.15).raised(0.02, 100), Amount::Share(0.153));
        assert_eq!(Amount::Share(1.0).raised(0.02, 100), Amount::Share(1.0));
        assert_eq!(Amount::Bytes(1000).raised(0.02, 2000), Amount::Bytes(1020));
        assert_eq!(Amount::Bytes(1000).raised(0.02, 1010), Amount::Bytes(1010));
        assert_eq!(Amount::Count(10).raised(0.02, u64::MAX), Amount::Count(11));
        assert_eq!(Amount::Count(5).lowered(0.02), Amount::Count(4));
        assert_eq!(Amount::Share(0.5).lowered(0.02), Amount::Share(0.49));
        assert_eq!(Amount::Count(0).lowered(0.02), Amount::Count(0));
    }

    #[test]
    fn a_value_at_the_threshold_is_on_neither_side() {
        for amount in [Amount::Share(0.5), Amount::Count(5), Amount::Bytes(5)] {
            assert!(!amount.is_above(5, 10) && !amount.is_below(5, 10), "{amount}");
            assert!(amount.is_above(4, 10) && amount.is_below(6, 10), "{amount}");
        }
    }
}
