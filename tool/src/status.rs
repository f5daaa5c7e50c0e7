//! The tool's own exit statuses, and the error that carries one.
//!
//! A run ends with the program's status; these stand for what went wrong around it, in the range in which `env`, `timeout` and
//! container tools keep theirs. They are documented in `docs/tool.md` and by `ochre help`; a number, once given, keeps its meaning.

/// Another command watches the machine already.
pub(crate) const WATCHED: u8 = 120;
/// The machine monitor could not be started, or was taken away.
pub(crate) const VMM: u8 = 121;
/// The root given with `--root` cannot be used.
pub(crate) const ROOT: u8 = 122;
/// Something must be installed first; the message has the command.
pub(crate) const SETUP: u8 = 123;
/// `--timeout` passed.
pub(crate) const TIMEOUT: u8 = 124;
/// The kernel failed: panic, or the machine ended without a result.
pub(crate) const KERNEL: u8 = 125;
/// The program was found but cannot be executed.
pub(crate) const NOT_EXECUTABLE: u8 = 126;
/// The program was not found.
pub(crate) const NOT_FOUND: u8 = 127;
/// Bad usage.
pub(crate) const USAGE: u8 = 2;

/// What `ochre help` says about exit statuses.
pub(crate) const HELP: &str = "\
Exit status of `run`: the program's, or 128 + the signal that ended it; else
    2  bad usage                        124  --timeout passed
  120  (-p) it is watched already       125  the kernel failed
  121  QEMU failed or was taken away    126  the program cannot be executed
  122  the root cannot be used          127  the program was not found
  123  something must be installed";

/// An error with an exit status: one clear sentence.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What the tool exits with.
    pub(crate) status: u8,
    /// What it says, without the leading `ochre: `.
    pub(crate) message: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// A [`Failure`] as an [`anyhow::Error`].
pub(crate) fn failure(status: u8, message: impl Into<String>) -> anyhow::Error {
    Failure { status, message: message.into() }.into()
}
