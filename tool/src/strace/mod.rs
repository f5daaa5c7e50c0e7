//! What the guest tells of system calls, as strace shows it. `options` is the command line and what the kernel is told of it, `printer`
//! puts events together to lines, `summary` counts, `observer` does both for a machine that runs already.

mod observer;
mod options;
mod printer;
mod summary;

pub(crate) use observer::Shower;
pub(crate) use options::StraceOptions;
pub(crate) use printer::Printer;
