//! Virtio windows named on the command line, in Linux's form: `virtio_mmio.device=<size>@<base>:<irq>[:<id>]`, numbers
//! decimal or `0x`, the size with an optional K or M. QEMU's microvm without ACPI and libkrun pass them so.
use super::VirtioMmio;
use crate::addr::PhysAddr;
use crate::boot::PhysRange;
use crate::irq::IrqLine;

const WORD: &[u8] = b"virtio_mmio.device=";

/// A decimal or hexadecimal number with an optional K or M, and what follows it.
fn take_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let (digits, radix) = match text.strip_prefix(b"0x") {
        Some(rest) => (rest, 16),
        None => (text, 10),
    };
    let length = digits.iter().take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let number = core::str::from_utf8(&digits[..length]).ok()?;
    let number = u64::from_str_radix(number, radix).ok()?;
    let rest = &digits[length..];
    match rest.first() {
        Some(b'K' | b'k') => Some((number.checked_mul(1 << 10)?, &rest[1..])),
        Some(b'M' | b'm') => Some((number.checked_mul(1 << 20)?, &rest[1..])),
        _ => Some((number, rest)),
    }
}

fn parse(text: &[u8]) -> Option<VirtioMmio> {
    let (bytes, rest) = take_number(text)?;
    let (start, rest) = take_number(rest.strip_prefix(b"@")?)?;
    let (line, _) = take_number(rest.strip_prefix(b":")?)?;
    Some(VirtioMmio {
        window: PhysRange { start: PhysAddr(start), bytes },
        // The device holds its line until it is acknowledged, whatever the controller is told.
        irq: IrqLine { number: u32::try_from(line).ok()?, is_level: true },
    })
}

/// The windows that `command_line` names, in order. Words that cannot be understood are passed over.
pub(crate) fn windows(command_line: &[u8]) -> impl Iterator<Item = VirtioMmio> {
    command_line.split(u8::is_ascii_whitespace).filter_map(|word| word.strip_prefix(WORD)).filter_map(parse)
}
