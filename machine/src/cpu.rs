//! CPUs: how many there are, which one this is, and data of which each CPU has its own copy.

/// Most CPUs supported.
pub const MAX_CPUS: usize = 64;

/// A CPU's index: 0 is the boot CPU, then in order of discovery, without gaps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub struct CpuId(pub u32);

/// CPUs that are up.
pub fn count() -> usize {
    todo!()
}

/// The CPU this runs on. The answer may be stale at once unless preemption is off.
pub fn current() -> CpuId {
    todo!()
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
    todo!()
}

/// The machine name as `uname -m` says it: `x86_64` or `aarch64`.
pub const ARCH_NAME: &str = if cfg!(target_arch = "x86_64") { "x86_64" } else { "aarch64" };

/// What each CPU keeps for the shared code; the architecture only holds the pointer ([`crate::arch::cpu::local`]).
#[allow(dead_code)]
pub(crate) struct CpuLocal {
    _private: (),
}
