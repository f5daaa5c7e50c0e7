//! CPUs: how many there are, which one this is, and data of which each CPU has its own copy.
use crate::mm::SpaceHandle;
use crate::mm::frame_cache::FrameCache;
use crate::mm::heap::Magazines;
use crate::thread::scheduler::Scheduler;
use crate::thread::{Thread, header};
use crate::time::CpuTimers;
use crate::trace;
use alloc::sync::Arc;
use core::cell::{Cell, UnsafeCell};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// Most CPUs supported.
pub const MAX_CPUS: usize = 64;

/// A CPU's index: 0 is the boot CPU, then in order of discovery, without gaps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub struct CpuId(pub u32);

/// CPUs that are up.
#[inline]
pub fn count() -> usize {
    COUNT.load(Ordering::Relaxed) as usize
}

/// The CPU this runs on. The answer may be stale at once unless preemption is off.
#[inline]
pub fn current() -> CpuId {
    header::current().cpu().id
}

/// What the CPU offers to user programs, for the auxiliary vector and /proc/cpuinfo.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserFeatures {
    /// AT_HWCAP: on x86-64 CPUID.1:EDX, on ARM64 Linux's HWCAP_* bits.
    pub hwcap: u64,
    /// AT_HWCAP2.
    pub hwcap2: u64,
    /// AT_PLATFORM.
    pub platform: &'static str,
    /// Bytes of the largest signal frame's FP part (AT_MINSIGSTKSZ needs it).
    pub fp_frame_bytes: usize,
}

/// The features, after the one filter through which all feature questions go.
pub fn user_features() -> UserFeatures {
    crate::arch::cpu::user_features()
}

/// The machine name as `uname -m` says it: `x86_64` or `aarch64`.
pub const ARCH_NAME: &str = if cfg!(target_arch = "x86_64") { "x86_64" } else { "aarch64" };

/// Words at the start of [`CpuLocal`], after its address, that belong to the architecture's entry code.
pub(crate) const ENTRY_WORDS: usize = 15;

/// What each CPU keeps. The first 128 bytes are at offsets that assembly may know.
///
/// Fields in cells are touched by their own CPU only, with preemption or interrupts off as said; the others are atomics or locks.
#[repr(C, align(64))]
pub(crate) struct CpuLocal {
    /// Offset 0: the address of this structure.
    pub(crate) self_pointer: Cell<*mut CpuLocal>,
    /// Offset 8: scratch of the architecture's entry code.
    pub(crate) entry: UnsafeCell<[usize; ENTRY_WORDS]>,
    /// Which CPU.
    pub(crate) id: CpuId,
    /// The running thread should give way as soon as it may.
    pub(crate) needs_reschedule: AtomicBool,
    /// The idle thread runs and nobody waits: a good place for a thread.
    pub(crate) is_idle: AtomicBool,
    /// The running thread (from `Arc::as_ptr`).
    pub(crate) running: AtomicPtr<Thread>,
    /// Whose user registers (FP, TLS, GS) were loaded last. Own CPU, interrupts off.
    pub(crate) user_owner: Cell<*const Thread>,
    /// The user root that is loaded, kept alive. Own CPU, interrupts off.
    pub(crate) loaded_space: UnsafeCell<Option<Arc<SpaceHandle>>>,
    /// Spaces that were unloaded with interrupts off and are to be dropped where that is allowed. Own CPU, interrupts off.
    pub(crate) unloaded_spaces: Cell<*mut SpaceHandle>,
    /// Runnable threads and accounts.
    pub(crate) scheduler: Scheduler,
    /// Deadlines.
    pub(crate) timers: CpuTimers,
    /// Free frames at hand. Own CPU, preemption off, not in handlers.
    pub(crate) frames: FrameCache,
    /// Free heap blocks at hand. Own CPU, preemption off, not in handlers.
    pub(crate) magazines: Magazines,
    /// The trace ring.
    pub(crate) trace: trace::PerCpu,
    /// The last barrier that this CPU has passed (`sync::barrier`).
    pub(crate) barrier_seen: AtomicU64,
}

const _: () = assert!(core::mem::offset_of!(CpuLocal, id) == 128);

// SAFETY: fields that are not atomics or locks are touched by their own CPU only.
unsafe impl Sync for CpuLocal {}

impl CpuLocal {
    pub(crate) const fn new(id: CpuId) -> CpuLocal {
        CpuLocal {
            self_pointer: Cell::new(ptr::null_mut()),
            entry: UnsafeCell::new([0; ENTRY_WORDS]),
            id,
            needs_reschedule: AtomicBool::new(false),
            is_idle: AtomicBool::new(false),
            running: AtomicPtr::new(ptr::null_mut()),
            user_owner: Cell::new(ptr::null()),
            loaded_space: UnsafeCell::new(None),
            unloaded_spaces: Cell::new(ptr::null_mut()),
            scheduler: Scheduler::new(),
            timers: CpuTimers::new(),
            frames: FrameCache::new(),
            magazines: Magazines::new(),
            trace: trace::PerCpu::new(id),
            barrier_seen: AtomicU64::new(0),
        }
    }

    /// Whether the idle thread runs. Own CPU, interrupts off.
    #[inline(always)]
    pub(crate) fn runs_idle(&self) -> bool {
        // SAFETY: the running thread is alive; null before the scheduler runs.
        unsafe { self.running.load(Ordering::Relaxed).as_ref() }.is_none_or(Thread::is_idle)
    }

    /// Whether the running thread should give way.
    #[inline(always)]
    pub(crate) fn needs_reschedule(&self) -> bool {
        self.needs_reschedule.load(Ordering::Relaxed)
    }
}

/// The boot CPU's data: needed before there is a heap.
pub(crate) static BOOT_CPU: CpuLocal = CpuLocal::new(CpuId(0));

static COUNT: AtomicU32 = AtomicU32::new(1);
static CPUS: [AtomicPtr<CpuLocal>; MAX_CPUS] = [const { AtomicPtr::new(ptr::null_mut()) }; MAX_CPUS];

/// The data of any CPU that has been prepared.
#[inline]
pub(crate) fn of(cpu: CpuId) -> Option<&'static CpuLocal> {
    let local = CPUS.get(cpu.0 as usize)?.load(Ordering::Acquire);
    // SAFETY: registered by `register`, which asks for data that lives for ever.
    unsafe { local.as_ref() }
}

/// The data of every CPU that is up, in order.
pub(crate) fn each() -> impl Iterator<Item = &'static CpuLocal> {
    (0..count() as u32).filter_map(|index| of(CpuId(index)))
}

/// Makes a CPU's data known.
pub(crate) fn register(local: &'static CpuLocal) {
    let pointer = ptr::from_ref(local).cast_mut();
    local.self_pointer.set(pointer);
    CPUS[local.id.0 as usize].store(pointer, Ordering::Release);
}

/// Sets how many CPUs are up; once, at boot.
pub(crate) fn set_count(count: usize) {
    COUNT.store(count as u32, Ordering::Release);
}
