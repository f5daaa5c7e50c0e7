//! The names of functions as people write them: compilers of Rust (both forms) and of C++ make one word of path, types and parameters.
//!
//! Names come from files that may be anything: what cannot be read stays as it is, and what would become very long is not decoded, for
//! substitutions can make a short word grow without bound.

use cpp_demangle::{DemangleOptions, Symbol};
use std::fmt::{self, Write};

/// Longest decoded name, in bytes.
const MOST_BYTES: usize = 4096;

/// The name as people write it; the version of a symbol (`@GLIBC_2.14`) is left out.
pub(super) fn readable(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    let name = name.split('@').next().unwrap_or(&name);
    rust(name).or_else(|| cpp(name)).unwrap_or_else(|| name.to_string())
}

fn rust(name: &str) -> Option<String> {
    let decoded = rustc_demangle::try_demangle(name).ok()?;
    let mut text = Bounded::default();
    write!(text, "{decoded:#}").ok()?;
    Some(text.0)
}

fn cpp(name: &str) -> Option<String> {
    // Anything else could be read as the name of a type, as `i` is `int`.
    if !name.starts_with("_Z") {
        return None;
    }
    let symbol = Symbol::new(name).ok()?;
    let mut text = Bounded::default();
    symbol.structured_demangle(&mut text, &DemangleOptions::new().no_return_type()).ok()?;
    Some(text.0)
}

/// A text that does not become longer than [`MOST_BYTES`].
#[derive(Default)]
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > MOST_BYTES {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_readable() {
        for (name, expected) in [
            ("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", "core::fmt::Write::write_fmt"),
            ("_RNvNtNtCs1234_7mycrate3foo3bar3baz", "mycrate::foo::bar::baz"),
            ("memcpy@@GLIBC_2.14", "memcpy"),
            ("_ZN9Benchmark3runEv", "Benchmark::run()"),
            ("_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector<int, std::allocator<int> >::push_back(int const&)"),
            ("_ZSt4sortIPiEvT_S1_", "std::sort<int*>(int*, int*)"),
            ("_Z3addii.part.0", "add(int, int) [clone .part.0]"),
            ("i", "i"),
            ("_start", "_start"),
            ("_Znonsense", "_Znonsense"),
            ("", ""),
        ] {
            assert_eq!(readable(name.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn a_name_that_would_grow_without_bound_stays_as_it_is() {
        // Each template's argument is the one before twice.
        let mut name = String::from("_Z1fI1aIiiE");
        for number in 0..30 {
            let place = char::from_digit(number, 36).unwrap_or('0').to_ascii_uppercase();
            name.push_str(&format!("1aIS{place}_S{place}_E"));
        }
        name.push_str("Evv");
        assert!(readable(name.as_bytes()).len() <= MOST_BYTES);
        let mut next = random(7);
        for _ in 0..20_000 {
            let letters: Vec<u8> = (0..next() % 40).map(|_| b"_ZNSIE1a2bcdvS0_T_PKRt"[next() % 22]).collect();
            let _ = readable(&[b"_Z", &letters[..]].concat());
        }
    }

    fn random(mut state: u64) -> impl FnMut() -> usize {
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 33) as usize
        }
    }
}
