//! The formats: what is encoded comes back, and no bytes make a decoder panic.

use super::*;
use crate::trace::{Head, Record};
use std::vec::Vec;

#[test]
fn frames_survive_any_cutting() {
    let mut stream = Vec::new();
    for length in [0usize, 1, 7, 500, 0] {
        stream.extend_from_slice(&encode_header(Kind::Records, 3, length));
        stream.extend((0..length).map(|number| number as u8));
    }
    for step in [1, 2, 7, 8, 9, 100, 10_000] {
        let mut pieces = Pieces::new();
        let (mut frames, mut frame) = (Vec::new(), Vec::new());
        for mut chunk in stream.chunks(step) {
            while let Some(piece) = pieces.next(&mut chunk).unwrap() {
                assert_eq!((piece.kind, piece.stream), (Kind::Records as u8, 3));
                frame.extend_from_slice(piece.bytes);
                if piece.is_last {
                    frames.push(core::mem::take(&mut frame).len());
                }
            }
        }
        assert_eq!(frames, [0, 1, 7, 500, 0]);
    }
}

#[test]
fn kinds_have_their_own_numbers() {
    for kind in Kind::ALL {
        assert_eq!(Kind::from_u8(*kind as u8), Some(*kind));
    }
    assert_eq!(Kind::from_u8(0), None);
}

#[test]
fn what_is_encoded_comes_back() {
    let hello = Hello { version: 1, cpus: 4, ring_records: 1024, ticks_per_second: 7, ticks: 8, wall_ns: 9 };
    assert_eq!(Hello::decode(&hello.encode()), Some(hello));
    for what in [Dropped::Records, Dropped::Samples, Dropped::Places] {
        let drops = Drops { what, count: u64::MAX };
        assert_eq!(Drops::decode(&drops.encode()), Some(drops));
    }
    let event = ProcessEvent {
        what: Happened::Mapped,
        pid: 1,
        tid: 2,
        thread: 3,
        ticks: 4,
        words: [5, 6, 7],
        name: b"sh",
        path: b"/bin/sh",
    };
    let probe = ProbeDescription { id: 0x301, provider: b"syscall", name: b"entry", arguments: b"" };
    let head = Head { probe: 1, cpu: 2, arguments: 3, thread: 4 };
    let record = Record { ticks: 1, head, arguments: [1, 2, 3, 0, 0, 0, 0] };
    let mut bytes = [0; 256];
    let mut out = Writer::new(&mut bytes);
    event.encode(&mut out);
    probe.encode(&mut out);
    put_record(&record, &mut out);
    let used = out.finish().unwrap();
    let mut from = Reader(&bytes[..used]);
    assert_eq!(ProcessEvent::decode(&mut from), Some(event));
    assert_eq!(ProbeDescription::decode(&mut from), Some(probe));
    assert_eq!(take_record(&mut from), Some(record));
    assert!(from.is_empty());
    let kernel = FunctionProbe { number: FUNCTION, address: 1 << 40, is_return: true };
    let user = UserFunctionProbe { number: 1, offset: 2, code: b"\x55" };
    let mut out = Writer::new(&mut bytes);
    kernel.encode(&mut out);
    user.encode(&mut out);
    let used = out.finish().unwrap();
    let mut from = Reader(&bytes[..used]);
    assert_eq!(FunctionProbe::decode(&mut from), Some(kernel));
    assert_eq!(UserFunctionProbe::decode(&mut from), Some(user));
    assert!(from.is_empty());
}

#[test]
fn what_does_not_fit_is_told() {
    let mut bytes = [0; 5];
    assert_eq!(Writer::new(&mut bytes).u32(1).finish(), Some(4));
    assert_eq!(Writer::new(&mut bytes).u32(1).u16(1).finish(), None);
}

#[test]
fn what_is_kept_comes_back() {
    let mut bytes = [0; 256];
    let mut out = Writer::new(&mut bytes);
    let text = u64::from_le_bytes(*b"/etc/pas");
    Kept::encode(7, 8, [KeptKind::Text.head(KEPT_CUT, 5), text].into_iter(), &mut out);
    Kept::encode(9, 1, [0x77u64].into_iter(), &mut out);
    Kept::encode(10, 1, [KeptKind::UserStack.head(0, 1), 5, 0, 0, 0x40_0000].into_iter(), &mut out);
    let used = out.finish().unwrap();
    assert_eq!(used, Kept::bytes(2) + Kept::bytes(1) + Kept::bytes(5));
    let mut from = Reader(&bytes[..used]);
    let first = Kept::decode(&mut from).unwrap().unwrap();
    assert_eq!((first.number, first.ticks, first.flags, first.text()), (7, 8, KEPT_CUT, &b"/etc/"[..]));
    assert_eq!(Kept::decode(&mut from), Some(None));
    let last = Kept::decode(&mut from).unwrap().unwrap();
    assert_eq!(last.words().collect::<Vec<_>>(), [5, 0, 0, 0x40_0000]);
    assert_eq!(Kept::decode(&mut from), None);
}

/// Random bytes into every decoder: never a panic.
#[test]
fn fuzz_decoders() {
    let mut random = crate::test_random::Random::new(0x0b5e);
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..random.below(120)).map(|_| random.byte() & 0x1f).collect();
        let mut input = bytes.as_slice();
        let mut pieces = Pieces::new();
        let mut seen = 0;
        while let Ok(Some(piece)) = pieces.next(&mut input) {
            seen += piece.bytes.len();
            let _ = (Hello::decode(piece.bytes), Drops::decode(piece.bytes));
        }
        assert!(seen <= bytes.len());
        let mut from = Reader(&bytes);
        while ProcessEvent::decode(&mut from).is_some() {}
        while ProbeDescription::decode(&mut from).is_some() {}
        while take_record(&mut from).is_some() {}
        let mut from = Reader(&bytes);
        while let Some(kept) = Kept::decode(&mut from) {
            let _ = kept.map(|kept| (kept.text().len(), kept.words().count()));
        }
        let mut from = Reader(&bytes);
        while UserFunctionProbe::decode(&mut from).is_some() {}
        let mut from = Reader(&bytes);
        while FunctionProbe::decode(&mut from).is_some() {}
    }
}
