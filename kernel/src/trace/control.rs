//! Switching probes on and off by pattern, from `/proc/trace/enable` and the command line.
use crate::errno::{Errno, Result};

/// Enables or disables the probes that `pattern` means; answers how many.
pub fn set_enabled(pattern: &str, is_enabled: bool) -> usize {
    machine::trace::enable_matching(pattern, is_enabled)
}

/// Carries out what was written to `/proc/trace/enable`: patterns separated by blanks. `0` and `1` are all probes off and on;
/// `-NAME` is off; a `1` or `0` after a name says which for that name. EINVAL, before anything is changed, if a pattern
/// means no probe.
pub(super) fn write_enable(text: &[u8]) -> Result<()> {
    let text = core::str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
    each_request(text, |pattern, _| {
        let is_known = machine::trace::each_provider()
            .flat_map(|provider| provider.probes)
            .any(|probe| machine::trace::matches(pattern, probe));
        if is_known { Ok(()) } else { Err(Errno::EINVAL) }
    })?;
    each_request(text, |pattern, is_enabled| {
        set_enabled(pattern, is_enabled);
        Ok(())
    })
}

fn each_request(text: &str, mut request: impl FnMut(&str, bool) -> Result<()>) -> Result<()> {
    let mut words = text.split_ascii_whitespace().peekable();
    while let Some(word) = words.next() {
        match (word, word.strip_prefix('-')) {
            ("0", _) => request("*", false)?,
            ("1", _) => request("*", true)?,
            (_, Some(pattern)) => request(pattern, false)?,
            (pattern, None) => {
                let value = words.next_if(|next| matches!(*next, "0" | "1"));
                request(pattern, value != Some("0"))?;
            }
        }
    }
    Ok(())
}
