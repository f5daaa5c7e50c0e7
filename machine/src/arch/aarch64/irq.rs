//! The contract's view of the interrupt controller, and what happens when an interrupt is taken.
use super::{gic, smp, timer};
use crate::cpu::CpuId;
use crate::irq::{Ipi, IrqLine};

/// Software interrupts used between CPUs.
const RESCHEDULE: u32 = 0;
const SHOOTDOWN: u32 = 1;
const HALT: u32 = 2;
const HOLD: u32 = 3;

/// Finds and resets the controller, and turns on the boot CPU's part.
pub(crate) fn init_boot_cpu() {
    gic::init_boot_cpu();
    init_this_cpu();
}
/// Turns on this CPU's part.
pub(crate) fn init_this_cpu() {
    gic::init_this_cpu(smp::own_id());
}
/// Routes `line` to the boot CPU and unmasks it. False: there is no such line.
pub(crate) fn enable(line: IrqLine) -> bool {
    gic::enable_shared(line)
}
/// Sends a message to another CPU. A CPU with interrupts off gets it late: this architecture has no portable
/// non-maskable interrupt.
pub(crate) fn send_ipi(to: CpuId, what: Ipi) {
    let number = match what {
        Ipi::Reschedule => RESCHEDULE,
        Ipi::Shootdown => SHOOTDOWN,
        Ipi::Halt => HALT,
        Ipi::Hold => HOLD,
    };
    gic::send_software(to, number);
}

/// Nothing here gets through to a CPU that has its interrupts off: the machines we run on have no NMI.
pub(crate) fn ask_where(_cpu: CpuId) -> bool {
    false
}

/// Takes one interrupt, hands it on and acknowledges it. Called by the trap path with interrupts off.
pub(super) fn handle() {
    let token = gic::acknowledge();
    let number = token & 0x3ff;
    match number {
        gic::FIRST_SPECIAL.. => return,
        RESCHEDULE => crate::thread::reschedule_interrupt(),
        SHOOTDOWN => crate::mm::space::shootdown_interrupt(),
        HALT => crate::fail::halt_interrupt(),
        HOLD => crate::function_probe::hold_interrupt(),
        number if number == timer::intid() => {
            // The line is a level: it must be low before the end of the interrupt. The shared code sets it again.
            timer::set_deadline(None);
            crate::time::interrupt();
        }
        number => crate::irq::dispatch(number),
    }
    gic::end(token);
}

/// A message of its own for a device: `None`, since neither GICv2m nor ITS is driven yet.
pub(crate) fn allocate_message() -> Option<(u32, crate::irq::Message)> {
    None
}
