//! Tracing, the Linux side: the providers of system calls, processes and memory, and what programs see of tracing in
//! `/proc/trace`. The mechanism is [`machine::trace`].
//!
//! Firing: `probe!(trace::vminfo::cow_copy(addr, count))`; counting: `count(Counter::FaultsCow)`. Both from any context.
mod control;
pub mod files;
mod functions;
pub mod metrics;
mod profile;
pub(crate) mod program;
pub mod providers;
pub(crate) mod user_functions;
mod watchdog;

pub use control::{enable_from_command_line, set_enabled};
pub use machine::probe;
pub use machine::trace::layout::{ochre_program_ended as program_ended, ochre_program_starts as program_starts};
pub use machine::trace::providers::vminfo;
pub use machine::trace::{Counter, add, count, current_thread};
pub use providers::{io, net, proc, syscall};
pub use watchdog::start as start_watchdog;

/// Makes every provider known. Called once at start, before the first program.
pub fn init() {
    use machine::trace::providers as of_machine;
    machine::trace::init(machine::cpu::count(), control::ring_records());
    for provider in [
        &of_machine::sched::PROVIDER,
        &of_machine::irq::PROVIDER,
        &of_machine::timer::PROVIDER,
        &of_machine::lock::PROVIDER,
        &of_machine::vminfo::PROVIDER,
        &syscall::PROVIDER,
        &proc::PROVIDER,
        &io::PROVIDER,
        &net::PROVIDER,
    ] {
        machine::trace::register(provider);
    }
    machine::trace::layout::publish();
}
