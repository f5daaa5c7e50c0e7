//! Switching probes on and off by pattern, from `/proc/trace/enable` and the command line.
use crate::errno::{Errno, Result};
use crate::syscall::dispatch::{WATCH, watch};
use core::ops::RangeInclusive;
use core::sync::atomic::Ordering;
use wire::trace::RING_RECORDS;

/// Sizes of rings that make sense: the largest takes 80 MiB for each CPU.
const RING_SIZES: RangeInclusive<usize> = 16..=1 << 20;

/// Enables or disables the probes that `pattern` means; answers how many.
pub fn set_enabled(pattern: &str, is_enabled: bool) -> usize {
    let count = machine::trace::enable_matching(pattern, is_enabled);
    update_watch();
    count
}

/// The system call path tests one word for all who watch it: tells it about the probes.
pub(super) fn update_watch() {
    use super::syscall::{entry, r#return};
    use machine::trace::providers::sched::{to_kernel, to_user};
    let crossing = to_user::PROBE.is_enabled() || to_kernel::PROBE.is_enabled();
    for (is_enabled, bit) in [
        (entry::PROBE.is_enabled(), watch::PROBE_ENTRY),
        (r#return::PROBE.is_enabled(), watch::PROBE_RETURN),
        (crossing, watch::PROBE_CROSSING),
    ] {
        if is_enabled {
            WATCH.fetch_or(bit, Ordering::Relaxed);
        } else {
            WATCH.fetch_and(!bit, Ordering::Relaxed);
        }
    }
}

/// Carries out what was written to `/proc/trace/enable`: patterns separated by blanks. `0` and `1` are all probes off and on;
/// `-NAME` is off; a `1` or `0` after a name says which for that name. EINVAL, before anything is changed, if a pattern
/// means no probe.
pub(super) fn write_enable(text: &[u8]) -> Result<()> {
    if !machine::trace::IS_TRACED {
        return Err(Errno::EOPNOTSUPP);
    }
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

/// Records that rings are to keep: what `ochre.ring=RECORDS` on the command line says, or as many as usual. A number that makes no sense is
/// refused with a line in the log.
pub(super) fn ring_records() -> usize {
    let words = machine::boot::info().command_line.split(u8::is_ascii_whitespace);
    let Some(text) = words.filter_map(|word| word.strip_prefix(b"ochre.ring=")).next_back() else {
        return RING_RECORDS;
    };
    let records = core::str::from_utf8(text).ok().and_then(|text| text.parse::<usize>().ok());
    match records {
        Some(records) if RING_SIZES.contains(&records) => records,
        _ => {
            let (least, most) = (RING_SIZES.start(), RING_SIZES.end());
            machine::log!(Warn, "ochre.ring={} is refused: rings keep {least} to {most} records", text.escape_ascii());
            RING_RECORDS
        }
    }
}

/// Enables what `ochre.trace=PATTERN,…` on the command line names, from the first instant on.
pub fn enable_from_command_line() {
    let words = machine::boot::info().command_line.split(|byte| *byte == b' ');
    for value in words.filter_map(|word| word.strip_prefix(b"ochre.trace=")) {
        for pattern in value.split(|byte| *byte == b',').filter_map(|pattern| core::str::from_utf8(pattern).ok()) {
            if set_enabled(pattern, true) == 0 {
                machine::log!(Warn, "ochre.trace: no probe is called {pattern}");
            }
        }
    }
}
