//! Types of system call arguments: how each is made from a register, and how strace shows it.
use crate::user_memory::{UserCStr, UserPtr};
use abi::Plain;
use abi::show::Shown;
use machine::addr::UserAddr;

/// A type that fits a register.
pub trait Argument: Sized {
    /// How it is shown.
    const SHOWN: Shown;
    /// From the register. Every word is a value of every argument type: handlers judge.
    fn from_register(word: u64) -> Self;
}

macro_rules! numbers {
    ($($type:ty: $shown:ident;)*) => {
        $(impl Argument for $type {
            const SHOWN: Shown = Shown::$shown;
            fn from_register(word: u64) -> Self {
                // CAST: as Linux: the low bits of the register are the argument.
                word as $type
            }
        })*
    };
}
numbers! {
    i32: Signed;
    i64: Signed;
    u32: Unsigned;
    u64: Unsigned;
    usize: Unsigned;
}

macro_rules! newtypes {
    ($($(#[doc = $text:literal])* $name:ident($type:ty): $shown:ident;)*) => {
        $(
            $(#[doc = $text])*
            #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
            pub struct $name(pub $type);
            impl Argument for $name {
                const SHOWN: Shown = Shown::$shown;
                fn from_register(word: u64) -> Self {
                    // CAST: as Linux: the low bits of the register are the argument.
                    $name(word as $type)
                }
            }
        )*
    };
}
newtypes! {
    /// A file descriptor as the program gave it: any number.
    Fd(i32): Descriptor;
    /// Permission bits of a new file, a umask.
    Mode(u32): Octal;
    /// Flag bits of 32.
    Flags(u32): Hexadecimal;
    /// Flag bits of 64, and other words best read in hexadecimal.
    LongFlags(u64): Hexadecimal;
    /// A signal number.
    SignalNumber(i32): Signal;
}

impl Fd {
    /// The value that stands for the working directory (`AT_FDCWD`).
    pub const CWD: Fd = Fd(-100);
}

impl From<Fd> for u64 {
    /// As a call's result: a descriptor that was just made is not negative.
    fn from(fd: Fd) -> u64 {
        // CAST: see above.
        fd.0 as u64
    }
}

impl Argument for UserAddr {
    const SHOWN: Shown = Shown::Address;
    fn from_register(word: u64) -> Self {
        // CAST: usize is 64 bits on both architectures.
        UserAddr(word as usize)
    }
}
impl<T: Plain> Argument for UserPtr<T> {
    const SHOWN: Shown = Shown::Address;
    fn from_register(word: u64) -> Self {
        UserPtr::new(UserAddr::from_register(word))
    }
}
impl Argument for UserCStr {
    const SHOWN: Shown = Shown::Text;
    fn from_register(word: u64) -> Self {
        UserCStr(UserAddr::from_register(word))
    }
}
