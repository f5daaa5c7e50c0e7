//! Single privileged instructions as functions: ports, model-specific registers, control registers, CPUID.
//! Called by the other files of this architecture only.
use core::arch::asm;

/// Model-specific registers by number.
pub(crate) mod msr {
    /// Local APIC base and mode.
    pub(crate) const APIC_BASE: u32 = 0x1b;
    /// TSC value at which the timer fires.
    pub(crate) const TSC_DEADLINE: u32 = 0x6e0;
    /// First x2APIC register; register n of the MMIO window is at `X2APIC + n / 16`.
    pub(crate) const X2APIC: u32 = 0x800;
    /// Extended features: SYSCALL, long mode, NX.
    pub(crate) const EFER: u32 = 0xc000_0080;
    /// Segment selectors of SYSCALL and SYSRET.
    pub(crate) const STAR: u32 = 0xc000_0081;
    /// Target of SYSCALL.
    pub(crate) const LSTAR: u32 = 0xc000_0082;
    /// Flags that SYSCALL clears.
    pub(crate) const SFMASK: u32 = 0xc000_0084;
    /// FS base.
    pub(crate) const FS_BASE: u32 = 0xc000_0100;
    /// GS base in force.
    pub(crate) const GS_BASE: u32 = 0xc000_0101;
    /// GS base that SWAPGS brings in.
    pub(crate) const KERNEL_GS_BASE: u32 = 0xc000_0102;
    /// What RDTSCP answers besides the counter.
    pub(crate) const TSC_AUX: u32 = 0xc000_0103;
}

/// Reads a byte from a port.
#[inline]
pub(crate) fn inb(port: u16) -> u8 {
    let value;
    // SAFETY: port input touches no memory; callers know the device.
    unsafe { asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack, preserves_flags)) };
    value
}

/// Reads a 32-bit word from a port.
#[inline]
pub(crate) fn inl(port: u16) -> u32 {
    let value;
    // SAFETY: as for `inb`.
    unsafe { asm!("in eax, dx", in("dx") port, out("eax") value, options(nomem, nostack, preserves_flags)) };
    value
}

/// Writes a byte to a port.
#[inline]
pub(crate) fn outb(port: u16, value: u8) {
    // SAFETY: no device driven from here reads or writes memory on a port write.
    unsafe { asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack, preserves_flags)) };
}

/// Writes a 16-bit word to a port.
#[inline]
pub(crate) fn outw(port: u16, value: u16) {
    // SAFETY: as for `outb`.
    unsafe { asm!("out dx, ax", in("dx") port, in("ax") value, options(nomem, nostack, preserves_flags)) };
}

/// Writes a 32-bit word to a port.
#[inline]
pub(crate) fn outl(port: u16, value: u32) {
    // SAFETY: as for `outb`.
    unsafe { asm!("out dx, eax", in("dx") port, in("eax") value, options(nomem, nostack, preserves_flags)) };
}

/// Reads a model-specific register.
///
/// # Safety
/// The register exists on this CPU.
#[inline]
pub(crate) unsafe fn read_msr(register: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: the register exists, says the caller.
    unsafe {
        asm!("rdmsr", in("ecx") register, out("eax") low, out("edx") high, options(nomem, nostack, preserves_flags));
    }
    u64::from(high) << 32 | u64::from(low)
}

/// Writes a model-specific register.
///
/// # Safety
/// The register exists on this CPU and the value is right for the kernel.
#[inline]
pub(crate) unsafe fn write_msr(register: u32, value: u64) {
    // CAST: the two halves.
    let (low, high) = (value as u32, (value >> 32) as u32);
    // SAFETY: register and value are right, says the caller. Memory is clobbered: some registers change how it is seen.
    unsafe { asm!("wrmsr", in("ecx") register, in("eax") low, in("edx") high, options(nostack, preserves_flags)) };
}

/// The address of the last page fault.
#[inline]
pub(crate) fn read_cr2() -> u64 {
    let value;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, cr2", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// The page-table root with its PCID.
#[inline]
pub(crate) fn read_cr3() -> u64 {
    let value;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, cr3", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// Loads a page-table root.
///
/// # Safety
/// The tables map all that the kernel uses; with bit 63 set, no stale translation of that PCID exists.
#[inline]
pub(crate) unsafe fn write_cr3(value: u64) {
    // SAFETY: the tables are right, says the caller.
    unsafe { asm!("mov cr3, {}", in(reg) value, options(nostack, preserves_flags)) };
}

/// Control register 0.
#[inline]
pub(crate) fn read_cr0() -> u64 {
    let value;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, cr0", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// Sets control register 0.
///
/// # Safety
/// The bits suit the kernel.
#[inline]
pub(crate) unsafe fn write_cr0(value: u64) {
    // SAFETY: the bits are right, says the caller.
    unsafe { asm!("mov cr0, {}", in(reg) value, options(nostack, preserves_flags)) };
}

/// Control register 4.
#[inline]
pub(crate) fn read_cr4() -> u64 {
    let value;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, cr4", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// Sets control register 4.
///
/// # Safety
/// The CPU has the features, and the kernel is ready for them.
#[inline]
pub(crate) unsafe fn write_cr4(value: u64) {
    // SAFETY: the bits are right, says the caller.
    unsafe { asm!("mov cr4, {}", in(reg) value, options(nostack, preserves_flags)) };
}

/// Sets extended control register 0: the state components that XSAVE handles.
///
/// # Safety
/// CR4.OSXSAVE is set and the CPU supports the components.
#[inline]
pub(crate) unsafe fn write_xcr0(value: u64) {
    // CAST: the two halves.
    let (low, high) = (value as u32, (value >> 32) as u32);
    // SAFETY: the components are right, says the caller.
    unsafe { asm!("xsetbv", in("ecx") 0, in("eax") low, in("edx") high, options(nomem, nostack, preserves_flags)) };
}

/// The flags register.
#[inline]
pub(crate) fn read_flags() -> u64 {
    let value;
    // SAFETY: reads a register through the stack.
    unsafe { asm!("pushfq", "pop {}", out(reg) value, options(nomem, preserves_flags)) };
    value
}

/// The time-stamp counter.
#[inline]
pub(crate) fn read_tsc() -> u64 {
    let (low, high): (u64, u64);
    // SAFETY: reads a counter. The upper halves of both registers are cleared.
    unsafe { asm!("rdtsc", out("rax") low, out("rdx") high, options(nomem, nostack, preserves_flags)) };
    high << 32 | low
}

/// What CPUID answers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cpuid {
    /// EAX.
    pub(crate) eax: u32,
    /// EBX.
    pub(crate) ebx: u32,
    /// ECX.
    pub(crate) ecx: u32,
    /// EDX.
    pub(crate) edx: u32,
}

/// CPUID without asking whether the leaf exists.
pub(crate) fn cpuid_raw(leaf: u32, subleaf: u32) -> Cpuid {
    #[allow(unused_unsafe)] // The intrinsic became safe in newer compilers.
    // SAFETY: every 64-bit CPU has CPUID.
    let answer = unsafe { core::arch::x86_64::__cpuid_count(leaf, subleaf) };
    Cpuid { eax: answer.eax, ebx: answer.ebx, ecx: answer.ecx, edx: answer.edx }
}

/// CPUID; zeros for a leaf that the CPU or hypervisor does not have.
pub(crate) fn cpuid(leaf: u32, subleaf: u32) -> Cpuid {
    let range = leaf & 0xffff_0000;
    if range == 0x4000_0000 && cpuid_raw(1, 0).ecx & 1 << 31 == 0 {
        return Cpuid::default();
    }
    let highest = cpuid_raw(range, 0).eax;
    if leaf > highest || highest & 0xffff_0000 != range {
        return Cpuid::default();
    }
    cpuid_raw(leaf, subleaf)
}
