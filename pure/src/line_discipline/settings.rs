//! What a program sets with `tcsetattr`, and what a terminal begins with.

/// Input flags.
#[allow(missing_docs, reason = "the names are POSIX's")]
pub mod iflag {
    pub const PARMRK: u32 = 0o10;
    pub const ISTRIP: u32 = 0o40;
    pub const INLCR: u32 = 0o100;
    pub const IGNCR: u32 = 0o200;
    pub const ICRNL: u32 = 0o400;
    pub const IUCLC: u32 = 0o1000;
    pub const IXON: u32 = 0o2000;
    pub const IXANY: u32 = 0o4000;
    pub const IUTF8: u32 = 0o40000;
}
/// Output flags.
#[allow(missing_docs, reason = "the names are POSIX's")]
pub mod oflag {
    pub const OPOST: u32 = 0o1;
    pub const OLCUC: u32 = 0o2;
    pub const ONLCR: u32 = 0o4;
    pub const OCRNL: u32 = 0o10;
    pub const ONOCR: u32 = 0o20;
    pub const ONLRET: u32 = 0o40;
    pub const TABDLY: u32 = 0o14000;
    pub const XTABS: u32 = 0o14000;
}
/// Local flags.
#[allow(missing_docs, reason = "the names are POSIX's")]
pub mod lflag {
    pub const ISIG: u32 = 0o1;
    pub const ICANON: u32 = 0o2;
    pub const ECHO: u32 = 0o10;
    pub const ECHOE: u32 = 0o20;
    pub const ECHOK: u32 = 0o40;
    pub const ECHONL: u32 = 0o100;
    pub const NOFLSH: u32 = 0o200;
    pub const TOSTOP: u32 = 0o400;
    pub const ECHOCTL: u32 = 0o1000;
    pub const ECHOPRT: u32 = 0o2000;
    pub const ECHOKE: u32 = 0o4000;
    pub const IEXTEN: u32 = 0o100000;
    pub const EXTPROC: u32 = 0o200000;
}
/// Places of the special characters.
#[allow(missing_docs, reason = "the names are POSIX's")]
pub mod cc {
    pub const VINTR: usize = 0;
    pub const VQUIT: usize = 1;
    pub const VERASE: usize = 2;
    pub const VKILL: usize = 3;
    pub const VEOF: usize = 4;
    pub const VTIME: usize = 5;
    pub const VMIN: usize = 6;
    pub const VSTART: usize = 8;
    pub const VSTOP: usize = 9;
    pub const VSUSP: usize = 10;
    pub const VEOL: usize = 11;
    pub const VREPRINT: usize = 12;
    pub const VDISCARD: usize = 13;
    pub const VWERASE: usize = 14;
    pub const VLNEXT: usize = 15;
    pub const VEOL2: usize = 16;
}
/// Special characters.
pub const NCCS: usize = 19;
/// A special character with this value is off.
const DISABLED: u8 = 0;

/// What a program sets with `tcsetattr`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Input flags.
    pub iflag: u32,
    /// Output flags.
    pub oflag: u32,
    /// Control flags: kept, without meaning here.
    pub cflag: u32,
    /// Local flags.
    pub lflag: u32,
    /// Special characters.
    pub cc: [u8; NCCS],
}

impl Settings {
    /// What the console has at boot.
    pub fn console() -> Settings {
        let pty = Settings::pty();
        // HUPCL
        Settings { iflag: pty.iflag | iflag::IUTF8, cflag: pty.cflag | 0o2000, ..pty }
    }

    /// What a pseudo-terminal begins with.
    pub fn pty() -> Settings {
        let mut cc = [0; NCCS];
        for (place, value) in [
            (cc::VINTR, 3),
            (cc::VQUIT, 0o34),
            (cc::VERASE, 0o177),
            (cc::VKILL, 0o25),
            (cc::VEOF, 4),
            (cc::VMIN, 1),
            (cc::VSTART, 0o21),
            (cc::VSTOP, 0o23),
            (cc::VSUSP, 0o32),
            (cc::VREPRINT, 0o22),
            (cc::VDISCARD, 0o17),
            (cc::VWERASE, 0o27),
            (cc::VLNEXT, 0o26),
        ] {
            cc[place] = value;
        }
        use lflag::*;
        Settings {
            iflag: iflag::ICRNL | iflag::IXON,
            oflag: oflag::OPOST | oflag::ONLCR,
            // B38400 | CS8 | CREAD
            cflag: 0o17 | 0o60 | 0o200,
            lflag: ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
            cc,
        }
    }

    /// Whether this local flag is set.
    pub const fn has_local(&self, flag: u32) -> bool {
        self.lflag & flag != 0
    }
    /// Whether this input flag is set.
    pub const fn has_input(&self, flag: u32) -> bool {
        self.iflag & flag != 0
    }
    /// Whether this output flag, of one or more bits, is set.
    pub(super) const fn has_output(&self, flag: u32) -> bool {
        self.oflag & flag == flag
    }
    /// Whether `byte` is this special character.
    pub(super) fn is(&self, byte: u8, place: usize) -> bool {
        byte != DISABLED && self.cc[place] == byte
    }
    /// Whether what is read comes in lines, edited here. With EXTPROC the other side edits.
    pub const fn reads_lines(&self) -> bool {
        self.has_local(lflag::ICANON) && !self.has_local(lflag::EXTPROC)
    }
    /// Whether `byte` continues a character of several bytes.
    pub(super) const fn is_continuation(&self, byte: u8) -> bool {
        self.has_input(iflag::IUTF8) && super::character::is_continuation(byte)
    }
    /// Whether both flow control characters are the usual ones and in force, so that the other side may act on them itself.
    pub(super) fn has_usual_flow_control(&self) -> bool {
        self.has_input(iflag::IXON) && self.cc[cc::VSTOP] == 0o23 && self.cc[cc::VSTART] == 0o21
    }
}
