//! The clock: counter ticks turned into nanoseconds by one multiplication, and the wall clock as an offset to it.
use super::Instant;
use crate::arch;
use core::sync::atomic::{AtomicU64, Ordering};

/// Nanoseconds a tick, times 2^32; zero before [`init`].
static NS_SCALE: AtomicU64 = AtomicU64::new(0);
/// Ticks a nanosecond, times 2^32.
static TICK_SCALE: AtomicU64 = AtomicU64::new(0);
/// The counter at boot.
static BOOT_TICKS: AtomicU64 = AtomicU64::new(0);
/// Nanoseconds from the epoch to boot.
static WALL_OFFSET: AtomicU64 = AtomicU64::new(0);

/// Learns the counter's rate, once it is calibrated, and reads the wall clock.
pub(crate) fn init(command_line: &[u8]) {
    let rate = arch::timer::ticks_per_second();
    assert!(rate > 0, "the counter counts");
    NS_SCALE.store(((1_000_000_000u128 << 32) / u128::from(rate)) as u64, Ordering::Relaxed);
    TICK_SCALE.store(((u128::from(rate) << 32) / 1_000_000_000) as u64, Ordering::Relaxed);
    BOOT_TICKS.store(arch::timer::ticks(), Ordering::Relaxed);
    let told = epoch_word(command_line);
    let now = told.or_else(|| arch::clock::wall_clock_seconds()?.checked_mul(1_000_000_000));
    set_wall_clock(now.unwrap_or(0));
}

/// The value of `ochre.epoch=` in nanoseconds: seconds, or seconds and a fraction.
fn epoch_word(command_line: &[u8]) -> Option<u64> {
    let word = command_line.split(|&byte| byte == b' ').find_map(|word| word.strip_prefix(b"ochre.epoch="))?;
    let mut parts = core::str::from_utf8(word).ok()?.splitn(2, '.');
    let seconds: u64 = parts.next()?.parse().ok()?;
    let mut ns = 0u64;
    let mut unit = 100_000_000u64;
    for digit in parts.next().unwrap_or("").bytes().take(9) {
        ns += u64::from(char::from(digit).to_digit(10)?) * unit;
        unit /= 10;
    }
    seconds.checked_mul(1_000_000_000)?.checked_add(ns)
}

/// Nanoseconds that `ticks` of the counter last.
#[inline(always)]
pub(crate) fn ns_of_ticks(ticks: u64) -> u64 {
    ((u128::from(ticks) * u128::from(NS_SCALE.load(Ordering::Relaxed))) >> 32) as u64
}

/// Ticks of the counter in `ns`, at most what fits.
fn ticks_of_ns(ns: u64) -> u64 {
    u64::try_from((u128::from(ns) * u128::from(TICK_SCALE.load(Ordering::Relaxed))) >> 32).unwrap_or(u64::MAX)
}

/// The counter's value at `when`, one tick later rather than early.
pub(super) fn ticks_at(when: Instant) -> u64 {
    BOOT_TICKS.load(Ordering::Relaxed).saturating_add(ticks_of_ns(when.0)).saturating_add(1)
}

/// The counter at boot, and nanoseconds a tick times 2^32: what programs need to read the clock as [`now`] does.
pub(super) fn conversion() -> (u64, u64) {
    (BOOT_TICKS.load(Ordering::Relaxed), NS_SCALE.load(Ordering::Relaxed))
}

/// Now.
#[inline]
pub fn now() -> Instant {
    Instant(ns_of_ticks(arch::timer::ticks().wrapping_sub(BOOT_TICKS.load(Ordering::Relaxed))))
}

/// Nanoseconds from the Unix epoch to boot (Instant zero), from the machine's clock (CMOS, PL031, or the
/// `ochre.epoch=` word of the command line that the tool gives), settable by [`set_wall_clock`].
pub fn wall_clock_offset() -> u64 {
    WALL_OFFSET.load(Ordering::Relaxed)
}

/// Sets the wall clock: the offset that [`wall_clock_offset`] answers from now on.
pub fn set_wall_clock(offset_ns: u64) {
    WALL_OFFSET.store(offset_ns, Ordering::Relaxed);
    super::user_page::wall_clock_changed();
}

/// The raw counter, for trace records and the vDSO.
#[inline(always)]
pub fn ticks() -> u64 {
    arch::timer::ticks()
}

/// Ticks of [`ticks`] per second.
pub fn ticks_per_second() -> u64 {
    arch::timer::ticks_per_second()
}
