//! From the architecture's first Rust instruction to `ochre_main`: the order in which the machine comes up.
//!
//! Boot data (memory map, command line, device tree, module list) is copied before anything can overwrite it.
//!
//! Everything up to the first thread runs on the boot CPU with interrupts off, on a stack of this file, which afterwards is the
//! idle thread's. What can fail here ends the machine with a sentence that says why.
use crate::addr::PhysAddr;
use crate::arch;
use crate::cpu::{self, BOOT_CPU, CpuId, CpuLocal};
use crate::mm::{frame_table, kernel_map};
use crate::power;
use crate::thread::header::{self, STACK_BYTES};
use crate::thread::{self, scheduler};
use crate::{log, time};
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// A stretch of physical memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhysRange {
    /// First byte.
    pub start: PhysAddr,
    /// Length in bytes.
    pub bytes: u64,
}

/// What the boot loader told us, copied into memory of our own.
#[derive(Debug)]
pub struct BootInfo {
    /// The command line, bytes as given, without the terminating zero.
    pub command_line: &'static [u8],
    /// The initial RAM disk, if one was given. Its frames are not handed out until
    /// [`release_initrd`](crate::mm::release_initrd) is called.
    pub initrd: Option<PhysRange>,
    /// Bytes of usable RAM found.
    pub ram_bytes: u64,
    /// Where it is, in rising order.
    ram: &'static [PhysRange],
}

impl BootInfo {
    /// Whether a byte from `start` to `last` is RAM. Between two stretches of RAM lie windows of devices.
    pub(crate) fn has_ram_within(&self, start: PhysAddr, last: PhysAddr) -> bool {
        self.ram.iter().any(|range| range.start.0 <= last.0 && start.0 < range.start.0 + range.bytes)
    }
}

static INFO: spin::Once<BootInfo> = spin::Once::new();
/// What the architecture handed over.
static DATA: AtomicPtr<BootData> = AtomicPtr::new(ptr::null_mut());
/// CPUs that have reached [`start_secondary`] and are ready for threads.
static READY: AtomicU32 = AtomicU32::new(1);

/// The boot information. Available from the start of `ochre_main`.
pub fn info() -> &'static BootInfo {
    // PROOF: set in `bring_up`, before the first thread.
    INFO.get().expect("boot information is set before the first thread runs")
}

/// Bytes of the initial RAM disk through the direct map (empty when there is none). Read-only for the
/// whole life of the kernel: nobody writes there.
pub fn initrd() -> &'static [u8] {
    match info().initrd {
        // SAFETY: the range is RAM in the direct map (`is_usable`), reserved from the allocator (after `release_initrd`
        // nothing refers to it, which that function's caller vouches for), and nobody writes there.
        Some(range) => unsafe { core::slice::from_raw_parts(kernel_map::direct(range.start), range.bytes as usize) },
        None => &[],
    }
}

unsafe extern "Rust" {
    /// The kernel proper, defined once in `image`. It runs as the first thread, on the boot CPU, with
    /// interrupts on and all CPUs up, and returns when the machine should stop: the exit to report.
    pub(crate) safe fn ochre_main(cx: &mut crate::thread::CurrentThread) -> crate::power::Exit;
}

/// Most stretches of memory that boot data can name.
pub(crate) const MAX_BOOT_RANGES: usize = 64;
/// Most bytes of a command line.
pub(crate) const MAX_COMMAND_LINE: usize = 65_536;

/// What the architecture collected before [`start`], copied out of the loader's memory. Written once, in a static.
pub(crate) struct BootData {
    /// Usable RAM as the loader described it (first `ram_count`), page aligned inwards, not overlapping, in rising order.
    /// It still contains the image, the initial RAM disk and what `reserved` names.
    pub(crate) ram: [PhysRange; MAX_BOOT_RANGES],
    /// Entries of `ram` in use.
    pub(crate) ram_count: usize,
    /// Stretches in RAM that must not be handed out: the image with its `.bss`, the trampoline page, firmware tables,
    /// the device tree. Not the initial RAM disk.
    pub(crate) reserved: [PhysRange; MAX_BOOT_RANGES],
    /// Entries of `reserved` in use.
    pub(crate) reserved_count: usize,
    /// The command line.
    pub(crate) command_line: [u8; MAX_COMMAND_LINE],
    /// Its length.
    pub(crate) command_line_bytes: usize,
    /// The initial RAM disk.
    pub(crate) initrd: Option<PhysRange>,
    /// Where the image lies: link address `IMAGE_BASE` + n is physical `image.start` + n.
    pub(crate) image: PhysRange,
    /// RSDP (x86-64) or device tree (ARM64), if the loader gave one.
    #[cfg_attr(target_arch = "aarch64", expect(dead_code, reason = "read through `platform::device_tree` there"))]
    pub(crate) firmware_tables: Option<PhysAddr>,
    /// End (physical) of what the early direct map covers; it begins at zero (x86-64) or at the start of RAM (ARM64).
    pub(crate) early_map_end: PhysAddr,
}

impl BootData {
    /// Nothing found yet; all zero, so that a static of it lies in `.bss`.
    pub(crate) const EMPTY: BootData = {
        const NOTHING: PhysRange = PhysRange { start: PhysAddr(0), bytes: 0 };
        BootData {
            ram: [NOTHING; MAX_BOOT_RANGES],
            ram_count: 0,
            reserved: [NOTHING; MAX_BOOT_RANGES],
            reserved_count: 0,
            command_line: [0; MAX_COMMAND_LINE],
            command_line_bytes: 0,
            initrd: None,
            image: NOTHING,
            firmware_tables: None,
            early_map_end: PhysAddr(0),
        }
    };
}

/// The first stack that obeys the stack rule; later the boot CPU's idle thread's.
#[repr(C, align(32768))]
struct BootStack(UnsafeCell<[u8; STACK_BYTES]>);
// SAFETY: used by the boot CPU alone.
unsafe impl Sync for BootStack {}
static BOOT_STACK: BootStack = BootStack(UnsafeCell::new([0; STACK_BYTES]));

/// Shared start on the boot CPU. Called once by the architecture, on the boot stack, interrupts off.
pub(crate) fn start(data: &'static BootData) -> ! {
    DATA.store(ptr::from_ref(data).cast_mut(), Ordering::Relaxed);
    cpu::register(&BOOT_CPU);
    let local = BOOT_CPU.self_pointer.get();
    let stack = BOOT_STACK.0.get() as usize;
    let mut here = arch::context::Saved::default();
    // SAFETY: the stack is aligned, and this is its first use.
    let top = unsafe { header::prepare_stack(stack, local, ptr::null()) };
    // SAFETY: interrupts are off; the new stack is fresh and mapped by the early tables. Nobody comes back here.
    unsafe {
        let there = arch::context::prepare(top, bring_up, 0);
        arch::context::switch(&raw mut here, &raw const there);
    }
    unreachable!("nobody returns to the architecture's boot stack");
}

/// Whether what the loader said of the initial RAM disk can be: within one stretch of RAM, and not over the image.
fn is_usable(initrd: PhysRange, ram: &[PhysRange], image: PhysRange) -> bool {
    let Some(end) = initrd.start.0.checked_add(initrd.bytes) else { return false };
    let is_in_ram = ram.iter().any(|range| range.start.0 <= initrd.start.0 && end - range.start.0 <= range.bytes);
    is_in_ram && (end <= image.start.0 || initrd.start.0 >= image.start.0 + image.bytes)
}

/// The order in which things come up; see `arch` for what each step may rely on.
extern "C" fn bring_up(_argument: usize) -> ! {
    // SAFETY: stored by `start`; written once, before.
    let data: &'static BootData = unsafe { &*DATA.load(Ordering::Relaxed) };
    let command_line = &data.command_line[..data.command_line_bytes];
    // SAFETY: the boot CPU's data lives for ever; called once.
    unsafe { arch::cpu::init_boot_cpu(BOOT_CPU.self_pointer.get()) };
    log::configure(command_line);
    crate::defect::configure(command_line);
    let ram = &data.ram[..data.ram_count];
    let mut taken = [PhysRange { start: PhysAddr(0), bytes: 0 }; MAX_BOOT_RANGES + 3];
    taken[..data.reserved_count].copy_from_slice(&data.reserved[..data.reserved_count]);
    taken[data.reserved_count] = data.image;
    let initrd = data.initrd.filter(|initrd| is_usable(*initrd, ram, data.image));
    if data.initrd != initrd {
        crate::log!(Error, "the initial RAM disk is not in RAM or overlaps the kernel; it is left out");
    }
    if let Some(initrd) = initrd {
        taken[data.reserved_count + 1] = initrd;
    }
    // Frame zero is never handed out: address zero means none to devices.
    taken[data.reserved_count + 2] = PhysRange { start: PhysAddr(0), bytes: 4096 };
    let early_start = ram.iter().map(|range| range.start.0).min().unwrap_or(0);
    let has_frames = frame_table::init(ram, &taken, early_start, data.early_map_end.0).is_ok();
    assert!(has_frames, "the machine has too little memory to start");
    let root = kernel_map::build(ram, data.image);
    // PROOF: a few tables; the frame table needed more than they do.
    let root = root.expect("there is memory for the kernel's page tables");
    // SAFETY: the tables map the image, this stack (in the image) and the direct map.
    unsafe { arch::page_table::load_kernel_root(root) };
    INFO.call_once(|| BootInfo { command_line, initrd, ram_bytes: ram.iter().map(|range| range.bytes).sum(), ram });
    arch::irq::init_boot_cpu();
    arch::timer::init_boot_cpu();
    time::init(command_line);
    thread::adopt_boot_stack(&BOOT_CPU, BOOT_STACK.0.get() as usize);
    start_others(command_line);
    let main = thread::spawn("main", Arc::new(()), Box::new(main));
    assert!(main.is_ok(), "there is memory for the first thread");
    become_idle()
}

/// The body of the first thread.
fn main(cx: &mut thread::CurrentThread) {
    crate::provoke::run(info().command_line);
    let is_asked = |test: &[u8]| info().command_line.split(u8::is_ascii_whitespace).any(|word| word == test);
    if is_asked(b"ochre.test=machine") {
        crate::stress::run(cx);
        power::end(power::Exit::Off);
    }
    if is_asked(b"ochre.test=costs") {
        crate::trace::cost::run();
        power::end(power::Exit::Off);
    }
    let exit = ochre_main(cx);
    power::end(exit)
}

/// How long CPUs that have been started may take until they are ready. Generous: a busy host may not run one for long.
const READY_NS: u64 = 60_000_000_000;

/// Starts the other CPUs, as many as there are or `ochre.cpus=` allows.
fn start_others(command_line: &[u8]) {
    let told = command_line.split(u8::is_ascii_whitespace).find_map(|word| word.strip_prefix(b"ochre.cpus="));
    let most = told.and_then(|word| core::str::from_utf8(word).ok()?.parse().ok()).unwrap_or(cpu::MAX_CPUS);
    let count = arch::smp::start_secondaries(most.clamp(1, cpu::MAX_CPUS), &mut prepare_secondary);
    let deadline = time::now().after(READY_NS);
    while READY.load(Ordering::Acquire) < count as u32 {
        arch::cpu::pause();
        let ready = READY.load(Ordering::Relaxed);
        assert!(time::now() <= deadline, "{ready} of {count} CPUs that were started are ready");
    }
    cpu::set_count(count);
}

/// Makes what CPU `id` needs before it runs its first instruction here; answers its stack's top.
fn prepare_secondary(id: CpuId) -> Option<usize> {
    let local: &'static CpuLocal = Box::leak(Box::new(CpuLocal::new(id)));
    cpu::register(local);
    // SAFETY: the data lives for ever, and the CPU is not running.
    if !unsafe { arch::cpu::prepare_cpu(id, local.self_pointer.get()) } {
        return None;
    }
    let stack = thread::allocate_stack()?;
    // SAFETY: a fresh stack.
    Some(unsafe { header::prepare_stack(stack, local.self_pointer.get(), ptr::null()) })
}

/// Shared start on every other CPU, on its boot stack, interrupts off, with the kernel's root loaded and
/// `arch::cpu::init_this_cpu` not yet called.
pub(crate) fn start_secondary(id: CpuId) -> ! {
    // SAFETY: on that CPU, once, after `prepare_cpu`.
    unsafe { arch::cpu::init_this_cpu(id) };
    arch::irq::init_this_cpu();
    arch::timer::init_this_cpu();
    // PROOF: registered in `prepare_secondary`.
    let local = cpu::of(id).expect("a CPU that starts was prepared");
    let stack = arch::cpu::stack_pointer() & !(STACK_BYTES - 1);
    thread::adopt_boot_stack(local, stack);
    READY.fetch_add(1, Ordering::AcqRel);
    while cpu::count() <= id.0 as usize {
        arch::cpu::pause();
    }
    become_idle()
}

/// The end of bring-up on each CPU: interrupts on, and whatever there is to run.
fn become_idle() -> ! {
    let header = header::current();
    header.interrupts_off.set(0);
    arch::cpu::interrupts_on();
    scheduler::idle()
}
