//! What every architecture supplies, under the same file names and the same item names. Shared code above
//! calls `arch::<file>::<item>` and never names an architecture.
//!
//! | file | items |
//! |---|---|
//! | `boot` | entry assembly; ends in [`crate::boot::start`] on the boot CPU: MMU on, image mapped at `IMAGE_BASE`, `.bss` zero, a boot stack, interrupts off, an early direct map that covers the image, the boot data and enough RAM to build the final tables |
//! | `cpu` | `init_boot_cpu(*mut CpuLocal)` (called first, before the heap: tables, control bits, local pointer), `prepare_cpu(CpuId, *mut CpuLocal) -> bool` (boot CPU, heap up: makes another CPU's tables), `init_this_cpu(CpuId)` (that CPU, first thing: loads them), `local() -> *mut CpuLocal`, `interrupts_are_on() -> bool`, `interrupts_off() -> bool` (previous), `mask_interrupts()`, `count_here::<OFFSET>()`, `add_here::<OFFSET>(u64)` (this CPU's counter, as one step for its interrupts and switches), `check_counting()`, `counters(CpuId) -> Option<&Block>`, `interrupts_restore(bool)`, `interrupts_on()`, `idle_wait()` (called with interrupts off: enables and waits as one step, returns with them off), `pause()`, `halt_forever() -> !`, `frame_pointer() -> usize`, `stack_pointer() -> usize`, `user_features() -> UserFeatures`, `tells_number_to_users() -> bool` (a user instruction reads the CPU's number) |
//! | `context` | `Saved` (callee-saved state, `Default`), `prepare(stack_top: usize, entry: extern "C" fn(usize) -> !, argument: usize) -> Saved`, `unsafe switch(from: *mut Saved, to: *const Saved)` |
//! | `trap` | vectors. Calls [`crate::irq`]`::dispatch(line number)`, `time::interrupt()`, `thread::reschedule_interrupt()`, `mm::space::shootdown_interrupt()`, `function_probe::hold_interrupt()`, `user::kernel_fault(PageFault) -> bool` (true: resolved, retry; false: go to the fix-up), `thread::interrupt_exit()` (may switch when the kernel was interrupted and preemption is on), `fail::fatal_trap(&TrapReport) -> !` |
//! | `user` | [`UserContext`](user::UserContext); `unsafe enter(*mut UserContext) -> RawExit` (called and returns with interrupts off; runs until the next trap; an interrupt has been dispatched and acknowledged when it returns, see `crate::user::RawExit`); `fp_bytes() -> usize`, `FP_ALIGN`, `unsafe fp_save(*mut u8)`, `unsafe fp_restore(*const u8)`, `unsafe fp_initial(*mut u8)`, `fp_fresh() -> *const u8` (a state to restore), `fp_sanitize(&mut [u8]) -> bool`, `unsafe fp_save_to_user(UserAddr, &FpMark) -> bool` and `unsafe fp_restore_from_user(UserAddr, &FpMark) -> bool` (false: not possible, or memory is not there; the slow way will do it); `tls()`, `set_tls(u64)`, `gs_base()`, `set_gs_base(u64)` of the program, on the CPU now |
//! | `page_table` | `Entry` (a transparent `u64`; zero is absent): `leaf(PhysAddr, Rights, level)`, `table(PhysAddr)`, `is_present` (leaf or table, PROT_NONE leaves included), `is_leaf(level)`, `addr`, `rights`, `is_accessed`, `is_dirty`, `with_rights(Rights, level)`; level 0 is the 4 KiB page, 3 the root; `prepare_kernel_root(PhysAddr)` (adds fixed entries before the first load), `load_kernel_root(PhysAddr)`, `publish()` (orders entries written against walks), `make_executable(PhysAddr)`, `load_user_root(root, asid: u16, must_flush: bool)`, `load_no_user_root()`, `flush_page(asid, addr: usize)`, `flush_asid(asid)`, `flush_all()`; `asid_count() -> usize` (1: none, pass 0); `BROADCASTS_FLUSH: bool` (ARM64: true, no IPI needed); `SHARES_ROOT: bool` (x86-64: true, a user root carries the kernel half) |
//! | `user_copy` | `unsafe copy_in(to: *mut u8, from: UserAddr, bytes) -> usize` (bytes left, 0 when all went), `unsafe copy_out(to: UserAddr, from: *const u8, bytes) -> usize`, `zero(to, bytes) -> usize`, `unsafe read_string(to: *mut u8, from, limit) -> (usize, StringEnd)`, `load_u32(UserAddr) -> Option<u32>`, `compare_exchange_u32(UserAddr, expected, new) -> Option<u32>`; the caller has checked that the range is in user space. Each has fix-up entries; by words, never `rep movsb`; `find_fixup(pc) -> Option<usize>` |
//! | `function_probe` | `SLOTS`, `SLOT_BYTES`, `slots() -> usize` (code kept for them), `Code` with `BREAKPOINT`, `displaced(address) -> Option<Code>` (a first instruction that may be executed elsewhere), `slot_code`, `first_of_slot`, `unsafe write_slot`, `unsafe write_first`, `synchronize()`; its trap calls [`crate::function_probe`]`::hit` |
//! | `irq` | `init_boot_cpu()`, `init_this_cpu()`, `enable(IrqLine) -> bool` (route to the boot CPU and unmask), `allocate_message() -> Option<(u32, Message)>`, `send_ipi(CpuId, Ipi)` (`Halt` must get through with interrupts off where the hardware can) |
//! | `timer` | `init_boot_cpu()` (calibrates), `init_this_cpu()`, `ticks() -> u64`, `ticks_per_second() -> u64`, `set_deadline(Option<u64>)` in ticks (may expire early: `time::interrupt` sets it again) |
//! | `smp` | `start_secondaries(most: usize, prepare: &mut dyn FnMut(CpuId) -> Option<usize>) -> usize`: `prepare` makes a CPU's data (calling `cpu::prepare_cpu`) and answers its boot stack's top; each ends in [`crate::boot::start_secondary`] on that stack; answers how many CPUs run, this one included |
//! | `serial` | `init_early()`, `write(&[u8])` without locks |
//! | `power` | `end(Exit) -> !` |
//! | `random` | `hardware() -> Option<u64>` |
//! | `clock` | `wall_clock_seconds() -> Option<u64>` (CMOS; PL031) |
//! | `device` | `unsafe read8(*const u8)`, `read16`, `read32`, `write8`, `write16`, `write32`: one plain access each |
//! | `vdso` | `code() -> &[u8]`, `functions() -> [Function; _]`, `unwinding() -> Unwinding`, `ELF_MACHINE`, `VERSION`, `SIGNAL_RETURN`: code for user mode, see [`crate::vdso`] |
//! | `discovery` | `virtio_mmio() -> Vec<VirtioMmio>`, `pci_windows() -> Vec<PciWindow>` |
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
