//! What every architecture supplies, under the same file names and the same item names. Shared code above
//! calls `arch::<file>::<item>` and never names an architecture.
//!
//! | file | items |
//! |---|---|
//! | `boot` | entry assembly; ends in [`crate::boot::start`] on the boot CPU: MMU on, image mapped at `IMAGE_BASE`, `.bss` zero, a boot stack, interrupts off, an early direct map that covers the image, the boot data and enough RAM to build the final tables |
//! | `cpu` | `set_local(*mut CpuLocal)`, `local() -> *mut CpuLocal`, `init_this_cpu(CpuId)` (tables, control bits), `interrupts_are_on() -> bool`, `interrupts_off() -> bool` (previous), `interrupts_restore(bool)`, `idle_wait()` (called with interrupts off: enables and waits as one step, returns with them off), `pause()`, `halt_forever() -> !`, `frame_pointer() -> usize`, `user_features()` |
//! | `context` | `Saved`, `prepare(stack_top, entry: extern "C" fn(usize) -> !, argument) -> Saved`, `switch(*mut Saved, *const Saved)` |
//! | `trap` | vectors. Calls [`crate::irq`]`::dispatch`, `time::interrupt`, `thread::reschedule_interrupt`, `mm::space::shootdown_interrupt`, `user::kernel_fault(PageFault) -> bool` (true: resolved, retry; false: go to the fix-up), `thread::interrupt_exit` (may switch when the kernel was interrupted and preemption is on), `fail::fatal_trap` |
//! | `user` | [`UserContext`](user::UserContext); `enter(*mut UserContext) -> RawExit` (runs until the next trap; interrupts are handled by the shared code, see `crate::user`); `fp_bytes()`, `fp_save(*mut u8)`, `fp_restore(*const u8)`, `fp_initial(*mut u8)`, `fp_sanitize(&mut [u8]) -> bool`; `tls()`, `set_tls(u64)`, `gs_base()`, `set_gs_base(u64)` of the CPU now |
//! | `page_table` | `Entry` encoding: `leaf(PhysAddr, Rights, level)`, `table(PhysAddr)`, `is_present`, `is_leaf`, `addr`, `rights`, `is_accessed`, `is_dirty`; `load_kernel_root`, `load_user_root(root, asid, must_flush)`, `load_no_user_root`, `flush_page(asid, addr)`, `flush_asid(asid)`, `flush_all`; `BROADCASTS_FLUSH: bool` (ARM64: true, no IPI needed); `SHARES_ROOT: bool` (x86-64: true, a user root carries the kernel half) |
//! | `user_copy` | `copy_in`, `copy_out`, `zero`, `read_string`, `load_u32`, `compare_exchange_u32`, each with fix-up entries; by words, never `rep movsb`; `find_fixup(pc) -> Option<usize>` |
//! | `irq` | `init_boot_cpu`, `init_this_cpu`, `enable(IrqLine) -> bool`, `mask`/`unmask`, `send_ipi(CpuId, Ipi)` (`Ipi::{Reschedule, Shootdown, Halt}`; `Halt` must get through with interrupts off where the hardware can) |
//! | `timer` | `init_boot_cpu` (calibrates), `init_this_cpu`, `ticks()`, `ticks_per_second()`, `set_deadline(Option<u64>)` in ticks |
//! | `smp` | `start_secondaries(count_wanted)`: each ends in [`crate::boot::start_secondary`] on its own boot stack |
//! | `serial` | `init_early`, `write(&[u8])` without locks |
//! | `power` | `end(Exit) -> !` |
//! | `random` | `hardware() -> Option<u64>` |
//! | `clock` | `wall_clock_seconds() -> Option<u64>` (CMOS; PL031) |
//!
//! `Rights { is_user, is_writable, is_executable, is_device, is_readable }` is shared and lives in `mm::rights`.
#[cfg(target_arch = "x86_64")]
#[path = "x86_64/mod.rs"]
mod current;

#[cfg(target_arch = "aarch64")]
#[path = "aarch64/mod.rs"]
mod current;

pub use current::user;
#[allow(unused_imports)]
pub(crate) use current::*;
