//! Converts any value that implements `Serialize` to a JSON value, with a limit on depth and size.
//!
//! We first serialise the value to JSON text, and then parse the text. While serde_json writes the text, it tells our
//! formatter when each level begins, and our writer counts the bytes. So we can stop at the limits. Endless nesting
//! can't overflow the stack, and a huge value can't fill the memory.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter};

/// The maximum depth of an output. JSON parsers such as serde_json accept at most 128 levels, and a report adds a few
/// levels around each output.
pub(crate) const DEEPEST: usize = 100;
/// The maximum size of an output as JSON text, in bytes.
pub(crate) const LARGEST: usize = 4 * 1024 * 1024;

pub(crate) fn to_value<T: Serialize + ?Sized>(output: &T) -> Result<Value, String> {
    let mut text = Bounded(Vec::with_capacity(64));
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, Shallow::default());
    output
        .serialize(&mut serializer)
        .and_then(|()| serde_json::from_slice(&text.0))
        .map_err(|error| format!("the output can't be shown: {error}"))
}

struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > LARGEST {
            return Err(io::Error::other("it is larger than 4 MiB"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Default)]
struct Shallow {
    depth: usize,
}

impl Shallow {
    fn descend(&mut self) -> io::Result<()> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(io::Error::other("it is nested deeper than 100 levels"));
        }
        Ok(())
    }
}

impl Formatter for Shallow {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.descend()?;
        CompactFormatter.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth = self.depth.saturating_sub(1);
        CompactFormatter.end_array(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.descend()?;
        CompactFormatter.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth = self.depth.saturating_sub(1);
        CompactFormatter.end_object(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Nested(Vec<Self>);

    fn nested(levels: usize) -> Nested {
        (1..levels).fold(Nested(vec![]), |inner, _| Nested(vec![inner]))
    }

    #[test]
    fn a_hundred_levels_are_shown_and_one_more_is_refused() {
        assert!(to_value(&nested(DEEPEST)).is_ok());
        assert_eq!(
            to_value(&nested(DEEPEST + 1)),
            Err("the output can't be shown: it is nested deeper than 100 levels".to_owned())
        );
    }

    #[test]
    fn a_neighbour_does_not_count_as_a_level() {
        assert!(to_value(&vec![Vec::<u8>::new(); 1_000]).is_ok());
    }

    #[test]
    fn an_output_beyond_the_limit_is_refused() {
        let problem = to_value(&"x".repeat(LARGEST)).unwrap_err();
        assert!(problem.contains("larger than 4 MiB"), "{problem}");
    }
}
