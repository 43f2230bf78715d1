//! Which bytes a text has, of those that scanners look for: each is asked only where all of its signs are there.

/// A set of bytes that stand somewhere in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signs(u64);

/// What may be asked for, a bit each.
const KNOWN: &[u8] = b"\t\n\r \"%&'(-./:<=>@BEGIJLNPS[_acekloru{|~\xe3\xe5\xe6\xeb";

const BITS: [u64; 256] = {
    let mut bits = [0; 256];
    let mut index = 0;
    while index < KNOWN.len() {
        bits[KNOWN[index] as usize] = 1 << index;
        index += 1;
    }
    bits
};

impl Signs {
    pub(super) fn of(text: &[u8]) -> Self {
        // There is an entry for every byte.
        Self(text.iter().fold(0, |seen, byte| seen | BITS[*byte as usize]))
    }

    /// To ask for. One that isn't among the known ones would never be found, so it doesn't compile.
    pub(super) const fn each(signs: &[u8]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < signs.len() {
            let bit = BITS[signs[index] as usize];
            assert!(bit != 0, "add it to KNOWN");
            bits |= bit;
            index += 1;
        }
        Self(bits)
    }

    pub(super) const fn all(self, signs: Self) -> bool {
        self.0 & signs.0 == signs.0
    }

    pub(super) const fn any(self, signs: Self) -> bool {
        self.0 & signs.0 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_signs_of_its_bytes() {
        let signs = Signs::of("postgres://db ü".as_bytes());
        assert!(signs.all(Signs::each(b":/ ")) && signs.any(Signs::each(b"@/")));
        assert!(!signs.all(Signs::each(b":@")) && !signs.any(Signs::each(b"@=\n")));
        assert!(signs.all(Signs::each(b"")) && !signs.any(Signs::each(b"")));
    }
}
