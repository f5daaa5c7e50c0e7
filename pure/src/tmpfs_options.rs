//! The mount options of a tmpfs: `size=64m,mode=1777`, as `mount(8)` hands them to the kernel in one string.
//!
//! [`parse`] answers what was said and leaves the rest as it is. Called by the mount call, at mount and at remount. Words that are
//! not known, or not in force here, are refused, as Linux refuses what it was built without.

/// What a mount's options say; `None` where they say nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TmpfsOptions {
    /// Most pages of contents; 0 for as many as there are.
    pub pages: Option<u64>,
    /// Most files, directories and links; 0 for as many as fit.
    pub inodes: Option<u64>,
    /// Permissions of the root.
    pub permissions: Option<u32>,
    /// Owner of the root.
    pub uid: Option<u32>,
    /// Group of the root.
    pub gid: Option<u32>,
}

/// A word that is unknown, or whose value is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadOption;

/// Reads options. `memory_pages` is what a size in percent refers to.
pub fn parse(text: &[u8], memory_pages: u64, page_bytes: u64) -> Result<TmpfsOptions, BadOption> {
    let text = core::str::from_utf8(text).map_err(|_| BadOption)?;
    let mut options = TmpfsOptions::default();
    for option in text.split(',').filter(|option| !option.is_empty()) {
        let (word, value) = match option.split_once('=') {
            Some((word, value)) => (word, Some(value)),
            None => (option, None),
        };
        match (word, value) {
            ("size", Some(value)) => options.pages = Some(pages(value, memory_pages, page_bytes)?),
            ("nr_blocks", Some(value)) => options.pages = Some(quantity(value)?),
            ("nr_inodes", Some(value)) => options.inodes = Some(quantity(value)?),
            ("mode", Some(value)) => {
                options.permissions = Some(u32::from_str_radix(value, 8).map_err(|_| BadOption)? & 0o7777);
            }
            ("uid", Some(value)) => options.uid = Some(id(value)?),
            ("gid", Some(value)) => options.gid = Some(id(value)?),
            // What is so in any case.
            ("huge", Some("never")) | ("inode64" | "noswap", None) => {}
            _ => return Err(BadOption),
        }
    }
    Ok(options)
}

fn pages(value: &str, memory_pages: u64, page_bytes: u64) -> Result<u64, BadOption> {
    match value.strip_suffix('%') {
        Some(percent) => {
            let product = u128::from(memory_pages) * u128::from(quantity(percent)?) / 100;
            Ok(u64::try_from(product).unwrap_or(u64::MAX))
        }
        None => Ok(quantity(value)?.div_ceil(page_bytes)),
    }
}

/// A number, octal or hexadecimal if it begins so, with a letter for its unit (Linux's `memparse`).
fn quantity(value: &str) -> Result<u64, BadOption> {
    let (digits, shift) = match value.as_bytes().last().map(u8::to_ascii_lowercase) {
        // A hexadecimal number may end in the letter e, as on Linux, where the digits are read first.
        Some(b'e') if !is_hexadecimal(value) => (&value[..value.len() - 1], 60),
        Some(letter @ (b'k' | b'm' | b'g' | b't' | b'p')) => {
            let shift = match letter {
                b'k' => 10,
                b'm' => 20,
                b'g' => 30,
                b't' => 40,
                _ => 50,
            };
            (&value[..value.len() - 1], shift)
        }
        _ => (value, 0),
    };
    let number = if is_hexadecimal(digits) {
        u64::from_str_radix(&digits[2..], 16)
    } else if digits.len() > 1 && digits.starts_with('0') {
        u64::from_str_radix(digits, 8)
    } else {
        digits.parse()
    };
    let number = number.map_err(|_| BadOption)?;
    number.checked_mul(1 << shift).ok_or(BadOption)
}

fn is_hexadecimal(digits: &str) -> bool {
    digits.starts_with("0x") || digits.starts_with("0X")
}

fn id(value: &str) -> Result<u32, BadOption> {
    // All ones means "none" in every call on ids.
    value.parse().ok().filter(|id| *id != u32::MAX).ok_or(BadOption)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<TmpfsOptions, BadOption> {
        parse(text.as_bytes(), 1000, 4096)
    }

    #[test]
    fn values_are_read() {
        let all = parsed("size=64k,nr_inodes=1m,mode=1770,uid=7,gid=8,huge=never").unwrap();
        let expected = TmpfsOptions {
            pages: Some(16),
            inodes: Some(1 << 20),
            permissions: Some(0o1770),
            uid: Some(7),
            gid: Some(8),
        };
        assert_eq!(all, expected);
        assert_eq!(parsed(""), Ok(TmpfsOptions::default()));
        assert_eq!(parsed("size=50%").unwrap().pages, Some(500));
        assert_eq!(parsed("size=1").unwrap().pages, Some(1));
        assert_eq!(parsed("size=0x2000").unwrap().pages, Some(2));
        assert_eq!(parsed("size=0x1e").unwrap().pages, Some(1));
        assert_eq!(parsed("nr_blocks=010").unwrap().pages, Some(8));
    }

    #[test]
    fn garbage_is_refused() {
        for text in [
            "size=garbage",
            "size=",
            "size=k",
            "size=12q",
            "size",
            "size=-1",
            "size=99999999999g",
            "mode=9",
            "mode=",
            "uid=x",
            "uid=4294967295",
            "gid=-1",
            "nosuchword",
            "huge=always",
            "nr_inodes=%",
            "size=0x",
        ] {
            assert_eq!(parsed(text), Err(BadOption), "{text}");
        }
        assert_eq!(parse(&[0xff, b'='], 1, 4096), Err(BadOption));
    }

    #[test]
    fn random_text_never_panics() {
        let mut seed = 99u64;
        for _ in 0..20_000 {
            let mut text = [0; 24];
            for byte in &mut text {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                *byte = b"sizeuidgmoden_rk=,0x9%e\xff"[(seed >> 33) as usize % 24];
            }
            let _ = parse(&text, u64::MAX, 4096);
        }
    }
}
