//! The commands, one file each.

mod attach;
pub(crate) mod bench;
pub(crate) mod doctor;
pub(crate) mod dump;
pub(crate) mod gdb;
pub(crate) mod profile;
pub(crate) mod run;
pub(crate) mod shell;
pub(crate) mod strace;
pub(crate) mod test;
mod test_part;
pub(crate) mod top;
pub(crate) mod trace;
