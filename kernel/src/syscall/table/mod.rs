//! The table: one row per call, in one file per subject. From a row come dispatch, `--strace`, the probes' names and the
//! Linux coverage page; whether an architecture has the call follows from Linux's own list of names.
//!
//! A subject file holds one `calls!` and nothing else, so that `xtask` can include the same file with a `calls!` of its own and
//! write `docs/linux.md` from it. A row: `/// text` (what is missing, if anything), then `name(argument: Type, …) = handler;`.
//! Behind a type may stand `as` and how strace shows the argument ([`abi::show`]), where it is not as the type says; behind the
//! handler the same of the result.
use super::argument::Argument;
use super::call::Call;
use super::room;
use crate::errno::Result;
use abi::number;
use abi::show::{Answer, Shown};

/// A handler as the dispatcher sees it: registers in, result or error out.
pub type Handler = fn(&mut Call<'_>, &[u64; 6]) -> Result<u64>;

/// A call.
pub struct Row {
    /// Linux's name.
    pub name: &'static str,
    /// What serves it.
    pub handler: Handler,
    /// How its arguments are shown, in order.
    pub shown: &'static [Shown],
    /// How its result is shown.
    pub answer: Answer,
    /// What is missing of it.
    pub limits: &'static str,
    /// The module of its row, whose last part is the subject.
    pub subject: &'static str,
}

macro_rules! calls {
    (
        handlers: $($module:ident)::+;
        $($(#[doc = $text:literal])* $name:ident($($argument:ident: $type:ty $(as $shown:expr)?),* $(,)?)
            = $handler:ident $(as $answer:expr)?;)*
    ) => {
        #[allow(unused_imports, reason = "which argument types a subject uses is its own matter")]
        use crate::syscall::argument::{Fd, Flags, LongFlags, Mode, SignalNumber};
        #[allow(unused_imports, reason = "see above")]
        use crate::user_memory::{UserCStr, UserPtr};
        #[allow(unused_imports, reason = "see above")]
        use machine::addr::UserAddr;
        #[allow(unused_imports, reason = "a subject may have no rows yet")]
        use $($module)::+::*;

        /// The rows of this subject.
        pub(super) const ROWS: &[super::Row] = &[$(super::Row {
            name: stringify!($name),
            handler: |call, registers| {
                if const { super::room::is_maker(stringify!($name)) } && !super::room::is_there(call.cx) {
                    return Err(crate::errno::Errno::ENOMEM);
                }
                let mut _words = registers.iter().copied();
                $handler(call $(, <$type as super::Argument>::from_register(_words.next().unwrap_or(0)))*)
            },
            shown: &[$(shown!($type $(, $shown)?)),*],
            answer: {
                #[allow(unused_imports, reason = "only some rows say more")]
                use abi::show::Answer::*;
                answer!($($answer)?)
            },
            limits: concat!($($text),*),
            subject: module_path!(),
        }),*];
    };
}

/// How an argument is shown: as its row says, else as its type does.
macro_rules! shown {
    ($type:ty) => {
        <$type as super::Argument>::SHOWN
    };
    ($type:ty, $shown:expr) => {{
        #[allow(unused_imports, reason = "each row uses some of the words")]
        use abi::show::{Data::*, Shown::*, names::*};
        $shown
    }};
}

/// How a result is shown: as a number if its row says nothing.
macro_rules! answer {
    () => {
        Number
    };
    ($answer:expr) => {
        $answer
    };
}

mod attributes;
mod capability;
mod descriptor;
mod directory;
mod epoll;
mod exec;
mod extended_attributes;
mod file_times;
mod futex;
mod handle;
mod identity;
mod inotify;
mod memory;
mod message;
mod message_queue;
mod misc;
mod mount;
mod open;
mod pidfd;
mod pipe;
mod poll;
mod posix_queue;
mod process;
mod ptrace;
mod read_write;
mod schedule;
mod semaphore;
mod share;
mod shared_memory;
mod signal;
mod socket;
mod splice;
mod thread;
mod time;
mod timer;

/// Every subject's rows.
const SUBJECTS: &[&[Row]] = &[
    attributes::ROWS,
    capability::ROWS,
    descriptor::ROWS,
    directory::ROWS,
    epoll::ROWS,
    exec::ROWS,
    extended_attributes::ROWS,
    file_times::ROWS,
    futex::ROWS,
    handle::ROWS,
    identity::ROWS,
    inotify::ROWS,
    memory::ROWS,
    message::ROWS,
    message_queue::ROWS,
    misc::ROWS,
    mount::ROWS,
    open::ROWS,
    pidfd::ROWS,
    pipe::ROWS,
    poll::ROWS,
    posix_queue::ROWS,
    process::ROWS,
    ptrace::ROWS,
    read_write::ROWS,
    schedule::ROWS,
    semaphore::ROWS,
    share::ROWS,
    shared_memory::ROWS,
    signal::ROWS,
    socket::ROWS,
    thread::ROWS,
    splice::ROWS,
    time::ROWS,
    timer::ROWS,
];

const fn build() -> [Option<&'static Row>; number::COUNT] {
    let mut table = [None; number::COUNT];
    let mut subject = 0;
    while subject < SUBJECTS.len() {
        let rows = SUBJECTS[subject];
        let mut row = 0;
        while row < rows.len() {
            if let Some(number) = number::of(rows[row].name) {
                assert!(table[number].is_none(), "a call has two rows");
                table[number] = Some(&rows[row]);
            }
            row += 1;
        }
        subject += 1;
    }
    table
}

/// Rows by number, on this architecture.
#[allow(long_running_const_eval, reason = "compares a few hundred names, once")]
pub static TABLE: [Option<&'static Row>; number::COUNT] = build();
