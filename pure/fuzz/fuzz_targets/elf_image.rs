//! The ELF plan: whatever a file says, what is to be mapped lies in user space, in whole pages.
#![no_main]
use core::ops::Range;
use libfuzzer_sys::fuzz_target;
use pure::elf_image::{HEADER_BYTES, ImageHeader, LoadPlan};

const PAGE: usize = 4096;
const BOUNDS: Range<usize> = 0x1_0000..0x7fff_ffff_f000;
const X86_64: u16 = 62;

fuzz_target!(|input: (usize, Vec<u8>)| {
    let (bias, mut bytes) = input;
    bytes.resize(bytes.len().max(HEADER_BYTES), 0);
    let Ok(mut start) = <[u8; HEADER_BYTES]>::try_from(&bytes[..HEADER_BYTES]) else { return };
    // What every useful input has, so that the fuzzer spends its time behind the first checks.
    start[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    start[18..20].copy_from_slice(&X86_64.to_le_bytes());
    start[54..56].copy_from_slice(&56u16.to_le_bytes());
    start[56..58].copy_from_slice(&(((bytes.len() - HEADER_BYTES) / 56) as u16).to_le_bytes());
    let Ok(header) = ImageHeader::parse(&start, X86_64) else { return };
    let Ok(plan) = LoadPlan::new(header, &bytes[HEADER_BYTES..]) else { return };
    if let Ok(span) = plan.span() {
        assert!(span.start < span.end && (span.start | span.end) % PAGE == 0);
    }
    assert!(plan.align().is_power_of_two() && plan.align() >= PAGE);
    let Ok(placement) = plan.place(bias, BOUNDS) else { return };
    for segment in &placement.segments {
        if let Some(file) = segment.file {
            assert!(file.bytes > 0 && (file.addr | file.bytes | file.offset as usize) % PAGE == 0);
            assert!(file.addr >= BOUNDS.start && file.bytes <= BOUNDS.end - file.addr);
        }
        assert!(segment.zero.len() < PAGE && segment.zero.end <= BOUNDS.end);
        assert!((segment.anonymous.start | segment.anonymous.end) % PAGE == 0 && segment.anonymous.end <= BOUNDS.end);
    }
});
