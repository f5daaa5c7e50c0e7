//! The functions that a JIT compiler made, as it tells them: `/tmp/perf-PID.map`, a line for each with start and bytes in hexadecimal and
//! the name (Linux, tools/perf/Documentation/jit-interface.txt).

/// A process's functions, in order of address.
#[derive(Debug, Default)]
pub(crate) struct PerfMap {
    functions: Vec<(u64, u64, String)>,
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
        let mut functions: Vec<_> = text.split(|byte| *byte == b'\n').filter_map(line).collect();
        functions.sort_by_key(|(start, ..)| *start);
        PerfMap { functions }
    }

    /// The pid that a file's name tells.
    pub(crate) fn pid(path: &[u8]) -> Option<u32> {
        let name = std::str::from_utf8(path).ok()?.strip_prefix("/tmp/perf-")?;
        name.strip_suffix(".map")?.parse().ok()
    }

    /// The function at an address. Of several made at one place, the last told.
    pub(crate) fn function(&self, address: u64) -> Option<&str> {
        let after = self.functions.partition_point(|(start, ..)| *start <= address);
        let mut before = self.functions[..after].iter().rev();
        before.find(|(start, bytes, _)| address - start < *bytes).map(|(.., name)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_functions() {
        let map = PerfMap::parse(b"7f0010 20 outer loop\n0x7f0000 10 first\nnonsense\n\nzz 1 x\n7f0010 8 again\n");
        assert_eq!(map.function(0x7f_0005), Some("first"));
        assert_eq!(map.function(0x7f_0012), Some("again"));
        assert_eq!(map.function(0x7f_0020), Some("outer loop"));
        assert_eq!((map.function(0x7f_0030), map.function(0)), (None, None));
        assert_eq!(PerfMap::pid(b"/tmp/perf-42.map"), Some(42));
        assert_eq!(PerfMap::pid(b"/etc/passwd"), None);
    }
}
