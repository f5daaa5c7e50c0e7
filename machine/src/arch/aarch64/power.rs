//! Ending the virtual machine.
use crate::power::Exit;

/// Stops the machine.
pub(crate) fn end(_exit: Exit) -> ! {
    todo!()
}
