//! Starting the other CPUs.
use crate::cpu::CpuId;

/// Starts up to `most - 1` other CPUs; answers how many run, this one included. `prepare` makes a CPU's data and
/// answers its boot stack's top, or `None` to stop there.
pub(crate) fn start_secondaries(_most: usize, _prepare: &mut dyn FnMut(CpuId) -> Option<usize>) -> usize {
    todo!()
}
