//! The functions that a JIT compiler made, as it tells them: `/tmp/perf-PID.map`, a line for each with start and bytes in hexadecimal and
//! the name (Linux, tools/perf/Documentation/jit-interface.txt). Where a function was made in the place of another, the last told is there.

use std::collections::BTreeMap;

/// A process's functions, in order of address; they do not overlap.
#[derive(Debug, Default)]
pub(crate) struct PerfMap {
    /// First address, the one after the last, which name.
    functions: Vec<(u64, u64, usize)>,
    names: Vec<String>,
}

impl PerfMap {
    /// From the file's text; lines that are not understood are left out.
    pub(crate) fn parse(text: &[u8]) -> PerfMap {
        let line = |line: &[u8]| {
            let line = String::from_utf8_lossy(line);
            let (start, rest) = line.trim_end().split_once(' ')?;
            let (bytes, name) = rest.split_once(' ')?;
            let number = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok();
            Some((number(start)?, number(bytes)?, name.to_string()))
        };
        let mut ranges = BTreeMap::new();
        let mut names = Vec::new();
        for (start, bytes, name) in text.split(|byte| *byte == b'\n').filter_map(line) {
            let end = start.saturating_add(bytes);
            if start < end {
                put(&mut ranges, start, end, names.len());
                names.push(name);
            }
        }
        PerfMap { functions: ranges.into_iter().map(|(start, (end, name))| (start, end, name)).collect(), names }
    }

    /// The pid that a file's name tells.
    pub(crate) fn pid(path: &[u8]) -> Option<u32> {
        let name = std::str::from_utf8(path).ok()?.strip_prefix("/tmp/perf-")?;
        name.strip_suffix(".map")?.parse().ok()
    }

    /// The function at an address.
    pub(crate) fn function(&self, address: u64) -> Option<&str> {
        let after = self.functions.partition_point(|(start, ..)| *start <= address);
        let (_, end, name) = self.functions.get(after.checked_sub(1)?)?;
        if address < *end { self.names.get(*name).map(String::as_str) } else { None }
    }
}

/// Puts a function over whatever is there: of that stays what it does not cover.
fn put(ranges: &mut BTreeMap<u64, (u64, usize)>, start: u64, end: u64, name: usize) {
    // Those that begin before its end, from the last on; the first that ends before it is the end.
    while let Some((&other, &(other_end, other_name))) = ranges.range(..end).next_back() {
        if other_end <= start {
            break;
        }
        ranges.remove(&other);
        if other_end > end {
            ranges.insert(end, (other_end, other_name));
        }
        if other < start {
            ranges.insert(other, (start, other_name));
            break;
        }
    }
    ranges.insert(start, (end, name));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_functions() {
        let map = PerfMap::parse(
            b"7f0010 20 outer loop\n0x7f0000 10 first\nnonsense\n\nzz 1 x\n7f0010 8 again\n7f0040 0 none\n",
        );
        assert_eq!(map.function(0x7f_0005), Some("first"));
        assert_eq!(map.function(0x7f_0012), Some("again"));
        assert_eq!(map.function(0x7f_0020), Some("outer loop"));
        assert_eq!((map.function(0x7f_0030), map.function(0x7f_0040), map.function(0)), (None, None, None));
        assert_eq!(PerfMap::pid(b"/tmp/perf-42.map"), Some(42));
        assert_eq!(PerfMap::pid(b"/etc/passwd"), None);
    }

    /// Against a table with an entry for each address.
    #[test]
    fn the_last_told_is_there() {
        let mut state = 5u64;
        let mut random = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % bound
        };
        for _ in 0..200 {
            let mut table = [None; 64];
            let mut text = String::new();
            for name in 0..random(20) {
                let (start, bytes) = (random(60), random(20));
                text.push_str(&format!("{start:x} {bytes:x} {name}\n"));
                let end = (start + bytes).min(64) as usize;
                table.iter_mut().take(end).skip(start as usize).for_each(|place| *place = Some(name));
            }
            let map = PerfMap::parse(text.as_bytes());
            for (address, wanted) in table.iter().enumerate() {
                let found = map.function(address as u64).map(|name| name.parse().unwrap());
                assert_eq!(found, *wanted, "{address:#x} in:\n{text}");
            }
        }
    }

    /// Many functions, one over all of them, and addresses above all: nothing takes as long as the map is.
    #[test]
    fn large_maps_are_quick() {
        let mut text: String = (0..200_000u32).map(|number| format!("{:x} 10 f{number}\n", number * 16)).collect();
        text.push_str("0 8 whole\n");
        let map = PerfMap::parse(text.as_bytes());
        for address in 0..500_000 {
            assert_eq!(map.function((1 << 40) + address), None);
        }
        assert_eq!((map.function(4), map.function(9), map.function(0x19)), (Some("whole"), Some("f0"), Some("f1")));
    }
}
