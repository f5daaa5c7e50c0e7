//! Starting the other CPUs: INIT and SIPI through the local APIC, a trampoline below 1 MiB that goes from real mode to
//! long mode on the early page tables, then the shared start on the CPU's own stack. One CPU at a time.
use super::boot::TRAMPOLINE;
use super::page_table::kernel_root;
use super::{apic, cpu, irq, timer};
use crate::addr::{IMAGE_BASE, PhysAddr};
use crate::cpu::{CpuId, MAX_CPUS};
use crate::mm::kernel_map;
use crate::platform::x86_tables;
use core::arch::global_asm;
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

const COMMAND_INIT: u32 = 5 << 8 | 1 << 14;
const COMMAND_STARTUP: u32 = 6 << 8 | 1 << 14;

/// For the CPU that starts now: its stack, its number and the page tables to use.
static NEXT_STACK: AtomicUsize = AtomicUsize::new(0);
static NEXT_CPU: AtomicU32 = AtomicU32::new(0);
static NEXT_ROOT: AtomicU64 = AtomicU64::new(0);
/// The last CPU that has read all three.
static LAST_STARTED: AtomicU32 = AtomicU32::new(0);

global_asm!(
    ".pushsection .rodata.x86_smp, \"a\"",
    ".balign 16",
    ".code16",
    "x86_smp_trampoline:",
    "cli",
    "cld",
    "xor ax, ax",
    "mov ds, ax",
    // LGDT with a 32-bit base, encoded by hand: the assembler's syntax for it differs between versions.
    ".byte 0x66, 0x0f, 0x01, 0x16",
    ".word x86_smp_gdt_pointer - x86_smp_trampoline + {trampoline}",
    "mov eax, 0x20",
    "mov cr4, eax",
    "mov eax, offset x86_boot_root - {image_base} + {load_base}",
    "mov cr3, eax",
    "mov ecx, 0xc0000080",
    "mov eax, 0x901",
    "xor edx, edx",
    "wrmsr",
    // Protection and paging in one step: from real mode straight to long mode.
    "mov eax, 0x80010033",
    "mov cr0, eax",
    ".byte 0x66, 0xea",
    ".long x86_smp_long_mode - x86_smp_trampoline + {trampoline}",
    ".word 0x10",
    ".code64",
    "x86_smp_long_mode:",
    "mov ax, 0x18",
    "mov ds, ax",
    "mov es, ax",
    "mov ss, ax",
    "xor eax, eax",
    "mov fs, ax",
    "mov gs, ax",
    "mov rax, offset x86_smp_entry",
    "jmp rax",
    ".balign 4",
    "x86_smp_gdt_pointer:",
    ".word 31",
    ".long x86_boot_gdt - {image_base} + {load_base}",
    "x86_smp_trampoline_end:",
    ".popsection",
    ".pushsection .text.x86_smp, \"ax\"",
    ".balign 16",
    ".type x86_smp_entry, @function",
    "x86_smp_entry:",
    "mov rax, [rip + {root}]",
    "mov edi, [rip + {cpu}]",
    "mov rsp, [rip + {stack}]",
    // The stack is mapped by the kernel's tables only; nothing touches it before this.
    "mov cr3, rax",
    "xor ebp, ebp",
    "call {start}",
    "ud2",
    ".size x86_smp_entry, . - x86_smp_entry",
    ".popsection",
    trampoline = const TRAMPOLINE,
    image_base = const IMAGE_BASE,
    load_base = const super::boot::LOAD_BASE,
    root = sym NEXT_ROOT,
    cpu = sym NEXT_CPU,
    stack = sym NEXT_STACK,
    start = sym start,
);

unsafe extern "C" {
    static x86_smp_trampoline: u8;
    static x86_smp_trampoline_end: u8;
}

/// First Rust code of another CPU.
extern "C" fn start(cpu: u32) -> ! {
    LAST_STARTED.store(cpu, Ordering::Release);
    crate::boot::start_secondary(CpuId(cpu))
}

/// Starts up to `most - 1` other CPUs; answers how many run, this one included. `prepare` makes a CPU's data and
/// answers its boot stack's top, or `None` to stop there.
pub(crate) fn start_secondaries(most: usize, prepare: &mut dyn FnMut(CpuId) -> Option<usize>) -> usize {
    let Some(found) = x86_tables::found() else { return 1 };
    let this_apic = apic::id();
    let others = found.apic_ids[..found.cpu_count].iter().filter(|apic_id| **apic_id != this_apic);
    let most = most.min(MAX_CPUS);
    let mut running = 1;
    copy_trampoline();
    NEXT_ROOT.store(kernel_root().0, Ordering::Release);
    for &apic_id in others {
        if running == most {
            break;
        }
        // CAST: below MAX_CPUS.
        let cpu = CpuId(running as u32);
        let Some(stack_top) = prepare(cpu) else { break };
        irq::set_apic_id(cpu, apic_id);
        NEXT_STACK.store(stack_top, Ordering::Release);
        NEXT_CPU.store(cpu.0, Ordering::Release);
        if !start_one(cpu, apic_id) {
            // It may yet wake up and read the three words: no other CPU may be given them.
            crate::log!(Warn, "CPU {} (APIC {}) does not start", cpu.0, apic_id);
            break;
        }
        running += 1;
    }
    running
}

fn copy_trampoline() {
    let (start, end) = (&raw const x86_smp_trampoline, &raw const x86_smp_trampoline_end);
    let target = kernel_map::direct(PhysAddr(TRAMPOLINE));
    // SAFETY: the page is RAM, reserved for this since boot; the code fits a page.
    unsafe { core::ptr::copy_nonoverlapping(start, target, end.addr() - start.addr()) };
}

/// INIT, SIPI, and a second SIPI for a CPU that missed the first. False: it did not come up.
fn start_one(cpu: CpuId, apic_id: u32) -> bool {
    let is_up = |within_ms: u64| {
        let limit = timer::ticks() + timer::ticks_per_second() / 1000 * within_ms;
        while LAST_STARTED.load(Ordering::Acquire) != cpu.0 {
            if timer::ticks() > limit {
                return false;
            }
            cpu::pause();
        }
        true
    };
    // CAST: the page number of the trampoline is the SIPI's vector.
    let startup = COMMAND_STARTUP | (TRAMPOLINE >> 12) as u32;
    let were_on = cpu::interrupts_off();
    apic::send(apic_id, COMMAND_INIT);
    apic::send(apic_id, startup);
    let mut has_started = is_up(20);
    for patience_ms in [200, 2000] {
        if !has_started {
            apic::send(apic_id, startup);
            has_started = is_up(patience_ms);
        }
    }
    cpu::interrupts_restore(were_on);
    has_started
}
