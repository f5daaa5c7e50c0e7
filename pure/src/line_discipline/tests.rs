//! What the line discipline does with what is typed. The table that is compared with Linux is `user/line_discipline_test.c`.
use super::*;
use std::string::String;
use std::vec;
use std::vec::Vec;

fn console() -> LineDiscipline {
    LineDiscipline::new(Settings::console(), CAPACITY - 1)
}

fn raw() -> LineDiscipline {
    let mut settings = Settings::console();
    settings.lflag &= !(lflag::ICANON | lflag::ECHO | lflag::ISIG | lflag::IEXTEN);
    settings.iflag = 0;
    settings.oflag &= !oflag::OPOST;
    LineDiscipline::new(settings, CAPACITY - 1)
}

fn shown(tty: &mut LineDiscipline) -> String {
    let mut bytes = vec![0; OUTPUT_CAPACITY];
    let count = tty.take_output(&mut bytes);
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

/// Types what there is room for; answers what is shown.
fn type_in(tty: &mut LineDiscipline, bytes: &[u8]) -> String {
    for byte in bytes {
        tty.input(*byte, false);
    }
    tty.show_echoes();
    shown(tty)
}

fn read(tty: &mut LineDiscipline, most: usize) -> Option<String> {
    let mut out = vec![0; most];
    tty.read(&mut out).map(|n| String::from_utf8_lossy(&out[..n]).into_owned())
}

#[test]
fn lines_are_read_one_at_a_time() {
    let mut tty = console();
    assert_eq!(type_in(&mut tty, b"one\rtwo"), "one\r\ntwo");
    assert!(tty.is_readable());
    assert_eq!(tty.readable_bytes(), 4);
    assert_eq!(read(&mut tty, 2).as_deref(), Some("on"));
    assert_eq!(read(&mut tty, 99).as_deref(), Some("e\n"));
    assert_eq!(read(&mut tty, 99), None);
    type_in(&mut tty, b"\r");
    assert_eq!(read(&mut tty, 99).as_deref(), Some("two\n"));
}

#[test]
fn end_of_file() {
    let mut tty = console();
    assert_eq!(type_in(&mut tty, b"ab\x04\x04"), "ab");
    assert_eq!(tty.readable_bytes(), 2);
    assert_eq!(read(&mut tty, 9).as_deref(), Some("ab"));
    assert_eq!(read(&mut tty, 9).as_deref(), Some(""));
    assert_eq!(read(&mut tty, 9), None);
    type_in(&mut tty, b"abc\x04");
    assert_eq!(read(&mut tty, 3).as_deref(), Some("abc"));
    assert_eq!(read(&mut tty, 3), None);
}

#[test]
fn editing() {
    let mut tty = console();
    assert_eq!(type_in(&mut tty, b"ax\x7fb"), "ax\x08 \x08b");
    assert_eq!(type_in(&mut tty, "ä\u{7f}".as_bytes()), "ä\x08 \x08");
    type_in(&mut tty, b" foo bar\x17\x17baz\n");
    assert_eq!(read(&mut tty, 99).as_deref(), Some("ab baz\n"));
    assert_eq!(type_in(&mut tty, b"xyz\x15"), "xyz\x08 \x08\x08 \x08\x08 \x08");
    assert_eq!(type_in(&mut tty, b"\x7f\x7f"), "");
    assert_eq!(type_in(&mut tty, b"a\t\x7f"), "a\t\x08\x08\x08\x08\x08\x08\x08");
    assert_eq!(type_in(&mut tty, b"\x16\x03\n"), "^\x08^C\r\n");
    assert_eq!(read(&mut tty, 99).as_deref(), Some("a\x03\n"));
}

#[test]
fn signals_flush_and_are_shown() {
    let mut tty = console();
    type_in(&mut tty, b"half");
    assert_eq!(tty.input(3, false).and_then(|outcome| outcome.signal), Some(Signal::Interrupt));
    tty.show_echoes();
    assert_eq!(shown(&mut tty), "^C");
    type_in(&mut tty, b"\n");
    assert_eq!(read(&mut tty, 9).as_deref(), Some("\n"));
    assert_eq!(tty.input(0o34, false).and_then(|outcome| outcome.signal), Some(Signal::Quit));
    assert_eq!(tty.input(0o32, false).and_then(|outcome| outcome.signal), Some(Signal::Stop));
}

#[test]
fn raw_mode_passes_everything() {
    let mut tty = raw();
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(type_in(&mut tty, &all), "");
    let mut out = vec![0; 300];
    assert_eq!(tty.read(&mut out), Some(256));
    assert_eq!(out[..256], all);
    assert_eq!(tty.write(b"a\nb"), 3);
    assert_eq!(shown(&mut tty), "a\nb");
}

#[test]
fn leaving_canonical_mode_makes_the_line_readable() {
    let mut tty = console();
    type_in(&mut tty, b"abc");
    assert!(!tty.is_readable());
    let mut settings = *tty.settings();
    settings.lflag &= !lflag::ICANON;
    tty.set_settings(settings);
    assert_eq!(read(&mut tty, 2).as_deref(), Some("ab"));
    settings.lflag |= lflag::ICANON;
    tty.set_settings(settings);
    assert_eq!(read(&mut tty, 9).as_deref(), Some("c"));
    assert_eq!(read(&mut tty, 9), None);
}

#[test]
fn flow_control_holds_output_and_echo() {
    let mut tty = console();
    assert!(tty.input(0o23, false).is_some_and(|outcome| outcome.has_flow_changed));
    assert!(tty.is_stopped());
    assert_eq!(tty.write(b"program"), 0);
    assert_eq!(type_in(&mut tty, b"typed"), "");
    assert!(tty.input(0o21, false).is_some_and(|outcome| outcome.has_flow_changed));
    assert!(!tty.is_stopped());
    assert_eq!(shown(&mut tty), "typed");
    tty.set_stopped(true);
    assert_eq!(type_in(&mut tty, b"\x11x"), "");
    tty.set_stopped(false);
    assert_eq!(type_in(&mut tty, b"y"), "xy");
}

#[test]
fn packet_mode_tells_of_flow_control_and_flushes() {
    let mut tty = console();
    type_in(&mut tty, b"\x13\x11");
    assert_eq!(tty.take_packet_status(), 0);
    tty.set_packet_mode(true);
    type_in(&mut tty, b"\x13");
    assert_eq!(tty.take_packet_status(), Packet::STOP);
    type_in(&mut tty, b"\x11\x03");
    assert_eq!(tty.take_packet_status(), Packet::START | Packet::FLUSH_READ | Packet::FLUSH_WRITE);
    let mut settings = *tty.settings();
    settings.iflag &= !iflag::IXON;
    tty.set_settings(settings);
    assert_eq!(tty.take_packet_status(), Packet::NO_STOP);
    assert!(!tty.has_packet_status());
}

#[test]
fn output_waits_for_room() {
    let mut tty = console();
    let lines = [b'\n'; OUTPUT_CAPACITY];
    assert_eq!(tty.write(&lines), OUTPUT_CAPACITY / 2);
    assert_eq!(type_in(&mut tty, b"").len(), OUTPUT_CAPACITY / 2 * 2);
    assert_eq!(tty.write(b"x"), 1);
}

#[test]
fn memory_is_bounded_and_a_full_line_can_be_ended() {
    let mut tty = console();
    type_in(&mut tty, &[b'x'; 10_000]);
    assert!(tty.unread.len() <= CAPACITY);
    type_in(&mut tty, b"\n");
    assert!(tty.is_readable());
    assert!(!tty.has_room());
    type_in(&mut tty, &[b'\n', 4].repeat(10_000));
    assert!(tty.unread.len() <= CAPACITY);
    assert_eq!(read(&mut tty, 10_000).unwrap().len(), CAPACITY);
}

/// Any bytes under any settings: no panic, bounded memory.
#[test]
fn fuzz() {
    let mut seed = 1u64;
    let mut random = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as u32
    };
    let mut tty = console();
    for _ in 0..300_000 {
        match random() % 200 {
            0 => {
                let mut settings = *tty.settings();
                settings.iflag = random() & 0o77777;
                settings.oflag = random() & 0o77777;
                settings.lflag = random() & 0o377777;
                settings.cc[random() as usize % NCCS] = random() as u8;
                tty.set_settings(settings);
            }
            1..20 => {
                tty.read(&mut [0; 7]);
            }
            20..30 => {
                tty.write(&[random() as u8, random() as u8]);
            }
            30..35 => {
                tty.take_output(&mut [0; 99]);
            }
            35 => {
                tty.set_stopped(random() & 1 != 0);
            }
            36 => {
                tty.look_ahead([random() as u8 & 0x3f].into_iter());
            }
            _ => {
                tty.input(random() as u8 & 0x3f, false);
            }
        }
        assert!(tty.unread.len() <= CAPACITY && tty.finished <= tty.unread.len());
        assert!(tty.output.len() <= OUTPUT_CAPACITY && tty.echoes.len() <= CAPACITY);
    }
}
