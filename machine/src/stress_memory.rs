//! A trial of `memcpy`, `memmove`, `memset` and `memcmp` as the compiler calls them: every short length and alignment, compared with
//! what loops over single bytes do. On ARM64 they are ours (`arch/aarch64/memory_copy.rs`), on
//! x86-64 `memcmp` is (`arch/x86_64/memory_compare.rs`).
use crate::thread::CurrentThread;
use core::cmp::Ordering;
use core::hint::black_box;

const BYTES: usize = 400;
/// Longer than twice the most that the routines take at a time.
const LENGTHS: usize = 150;
const ALIGNMENTS: usize = 17;

/// Every byte of it tells its place.
fn pattern() -> [u8; BYTES] {
    // CAST: its low byte.
    core::array::from_fn(|at| (at * 7 + at / 256 * 3) as u8)
}

pub(crate) fn copies(_cx: &mut CurrentThread) {
    let source = pattern();
    for length in 0..LENGTHS {
        for (to, from) in (0..ALIGNMENTS).flat_map(|to| [(to, 0), (to, 3), (to, 8), (to, ALIGNMENTS - to)]) {
            let mut target = [0xaa; BYTES];
            target[to..black_box(to + length)].copy_from_slice(&source[from..from + length]);
            for (at, &byte) in target.iter().enumerate() {
                let expected = if (to..to + length).contains(&at) { source[from + at - to] } else { 0xaa };
                assert!(byte == expected, "memcpy of {length} from {from} to {to}: byte {at}");
            }
            let mut moved = pattern();
            moved.copy_within(from..black_box(from + length), to);
            for (at, &byte) in moved.iter().enumerate() {
                let expected = if (to..to + length).contains(&at) { source[from + at - to] } else { source[at] };
                assert!(byte == expected, "memmove of {length} from {from} to {to}: byte {at}");
            }
        }
        for to in 0..ALIGNMENTS {
            let mut target = [0xaa; BYTES];
            target[to..black_box(to + length)].fill(0x5b);
            let is_right =
                |(at, &byte): (usize, &u8)| byte == if (to..to + length).contains(&at) { 0x5b } else { 0xaa };
            assert!(target.iter().enumerate().all(is_right), "memset of {length} at {to}");
            compare(&source[to..to + length]);
        }
    }
}

/// Compares `bytes` with copies that differ in one place, and with itself.
fn compare(bytes: &[u8]) {
    let mut other = [0; BYTES];
    let other = &mut other[1..=bytes.len()];
    other.copy_from_slice(bytes);
    assert!(bytes == &*other && bytes.cmp(other) == Ordering::Equal, "memcmp of {} equal bytes", bytes.len());
    for at in [0, bytes.len() / 2, bytes.len().saturating_sub(1)] {
        let Some(&byte) = bytes.get(at) else { return };
        other[at] = byte ^ 0x80;
        // What follows the first difference does not count.
        let rest = bytes.len() - at - 1;
        other[at + 1..].fill(if byte < 0x80 { 0 } else { 0xff });
        assert!(bytes.cmp(other) == byte.cmp(&(byte ^ 0x80)) && bytes != &*other, "memcmp at {at}, {rest} behind it");
        other.copy_from_slice(bytes);
    }
}
