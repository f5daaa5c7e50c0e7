//! Ending the virtual machine, by PSCI.
use super::{cpu, psci};
use crate::power::Exit;

/// Stops the machine. PSCI has no exit status: after a panic the machine is off without a result on the control channel,
/// which is how the host tells.
pub(crate) fn end(exit: Exit) -> ! {
    match exit {
        Exit::Off | Exit::Panic => psci::system_off(),
        Exit::Restart => psci::system_reset(),
    }
    cpu::halt_forever()
}
