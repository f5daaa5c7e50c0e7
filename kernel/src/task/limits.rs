//! Resource limits of a process.
use abi::Rlimit64;

/// "No limit".
pub const INFINITY: u64 = u64::MAX;

/// Which resource; Linux's `RLIMIT_*` numbers, the same on both architectures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
#[allow(missing_docs, reason = "getrlimit(2)")]
pub enum Resource {
    CpuSeconds = 0,
    FileSize = 1,
    Data = 2,
    Stack = 3,
    Core = 4,
    ResidentSet = 5,
    Processes = 6,
    OpenFiles = 7,
    LockedMemory = 8,
    AddressSpace = 9,
    FileLocks = 10,
    PendingSignals = 11,
    MessageQueueBytes = 12,
    NicePriority = 13,
    RealTimePriority = 14,
    RealTimeMicroseconds = 15,
}

/// Resources there are.
pub const COUNT: usize = 16;

/// All limits of a process.
#[derive(Clone, Debug)]
pub struct Limits([Rlimit64; COUNT]);

impl Limits {
    /// What Linux gives its first process.
    pub const fn initial() -> Limits {
        const fn limit(soft: u64, hard: u64) -> Rlimit64 {
            Rlimit64 { soft, hard }
        }
        let mut limits = [limit(INFINITY, INFINITY); COUNT];
        limits[Resource::Stack as usize] = limit(8 << 20, INFINITY);
        limits[Resource::Core as usize] = limit(0, INFINITY);
        limits[Resource::Processes as usize] = limit(4096, 4096);
        limits[Resource::OpenFiles as usize] = limit(1024, 4096);
        limits[Resource::LockedMemory as usize] = limit(8 << 20, 8 << 20);
        limits[Resource::PendingSignals as usize] = limit(4096, 4096);
        limits[Resource::MessageQueueBytes as usize] = limit(819_200, 819_200);
        limits[Resource::NicePriority as usize] = limit(0, 0);
        limits[Resource::RealTimePriority as usize] = limit(0, 0);
        Limits(limits)
    }
    /// One of them.
    pub const fn get(&self, resource: Resource) -> Rlimit64 {
        self.0[resource as usize]
    }
    /// By Linux's number.
    pub fn by_number(&self, number: u32) -> Option<Rlimit64> {
        self.0.get(number as usize).copied()
    }
    /// Changes one, by Linux's number; the caller has checked the right to.
    pub fn set(&mut self, number: u32, limit: Rlimit64) {
        if let Some(place) = self.0.get_mut(number as usize) {
            *place = limit;
        }
    }
}
