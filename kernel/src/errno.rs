//! The one error type that handlers return, and the one place where typed errors of the layers below become it.
//!
//! An [`Errno`] is a Linux error number, or one of the four internal restart answers ([`Restart`]), which the way back to the
//! program always turns into a restarted call or EINTR: no program ever sees one.
use core::fmt;
use machine::mm::{OutOfMemory, UserFault};
use machine::sync::WaitError;
use machine::thread::SpawnError;

/// What a handler answers.
pub type Result<T> = core::result::Result<T, Errno>;

/// A Linux error number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Errno(u16);

/// What to do with an interrupted call when the program is about to go on. Numbers as Linux has them inside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
pub enum Restart {
    /// ERESTARTSYS: again if no handler runs or the handler has SA_RESTART, else EINTR.
    IfHandlerAllows = 512,
    /// ERESTARTNOINTR: always again.
    Always = 513,
    /// ERESTARTNOHAND: again only if no handler runs, else EINTR.
    IfNoHandler = 514,
    /// ERESTART_RESTARTBLOCK: as `IfNoHandler`, but by `restart_syscall`, which goes on with what remains
    /// (see [`crate::task::RestartBlock`]).
    WithBlock = 516,
}

macro_rules! constants {
    ($($name:ident = $value:literal, $text:literal;)*) => {
        #[allow(missing_docs, reason = "the text is in the list of `abi::errno`")]
        impl Errno {
            $(pub const $name: Errno = Errno($value);)*
        }
    };
}
abi::for_each_errno!(constants);

impl Errno {
    /// The same as EAGAIN.
    pub const EWOULDBLOCK: Errno = Errno::EAGAIN;

    /// From a number kept as such.
    pub const fn from_number(number: u16) -> Errno {
        Errno(number)
    }
    /// The number: positive, below 4096.
    pub const fn number(self) -> u16 {
        self.0
    }
    /// What the program finds in the result register.
    pub const fn to_result(self) -> u64 {
        (self.0 as i64).wrapping_neg() as u64
    }
    /// The restart answer, if this is one.
    pub const fn restart(self) -> Option<Restart> {
        match self.0 {
            512 => Some(Restart::IfHandlerAllows),
            513 => Some(Restart::Always),
            514 => Some(Restart::IfNoHandler),
            516 => Some(Restart::WithBlock),
            _ => None,
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match abi::errno::name(self.0) {
            Some(name) => f.write_str(name),
            None => match self.restart() {
                Some(restart) => write!(f, "{restart:?}"),
                None => write!(f, "E{}", self.0),
            },
        }
    }
}
impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Restart> for Errno {
    fn from(restart: Restart) -> Errno {
        Errno(restart as u16)
    }
}
impl From<UserFault> for Errno {
    fn from(_: UserFault) -> Errno {
        Errno::EFAULT
    }
}
impl From<OutOfMemory> for Errno {
    fn from(_: OutOfMemory) -> Errno {
        Errno::ENOMEM
    }
}
impl From<SpawnError> for Errno {
    fn from(_: SpawnError) -> Errno {
        // LINUX: fork answers EAGAIN for limits and ENOMEM for want of memory.
        Errno::ENOMEM
    }
}
impl From<alloc::collections::TryReserveError> for Errno {
    fn from(_: alloc::collections::TryReserveError) -> Errno {
        Errno::ENOMEM
    }
}

/// Interrupted waits of ordinary calls: restart unless a handler without SA_RESTART runs; a deadline is ETIMEDOUT.
/// Calls with other rules match on the [`WaitError`] themselves.
impl From<WaitError> for Errno {
    fn from(error: WaitError) -> Errno {
        match error {
            WaitError::Interrupted => Restart::IfHandlerAllows.into(),
            WaitError::TimedOut => Errno::ETIMEDOUT,
        }
    }
}
