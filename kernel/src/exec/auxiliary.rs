//! The auxiliary vector: what the kernel tells a program's start code.
use crate::task::Credentials;
use abi::auxvec::{
    AT_BASE, AT_CLKTCK, AT_EGID, AT_ENTRY, AT_EUID, AT_EXECFN, AT_FLAGS, AT_GID, AT_HWCAP, AT_HWCAP2, AT_IGNORE,
    AT_MINSIGSTKSZ, AT_PAGESZ, AT_PHDR, AT_PHENT, AT_PHNUM, AT_PLATFORM, AT_RANDOM, AT_SECURE, AT_SYSINFO_EHDR, AT_UID,
};
use machine::addr::PAGE_SIZE;
use machine::cpu::UserFeatures;
use pure::elf_image::Placement;
use pure::stack_image::AuxiliaryValue::{self, FileName, Number, Platform, Random};

/// Ticks per second of times(2) and /proc, as Linux fixes it for programs.
const CLOCK_TICKS: u64 = 100;
/// Bytes of a signal frame besides the FP part: Linux's figure rounds up from siginfo, ucontext and alignment.
const FRAME_BYTES: u64 = 1024;
/// Bytes of one ELF64 program header.
const PROGRAM_HEADER_BYTES: u64 = 56;
/// Entries at most.
pub(super) const ENTRIES: usize = 21;

/// What the vector says about the program.
pub(super) struct Facts<'a> {
    pub(super) program: &'a Placement,
    pub(super) header_count: usize,
    pub(super) interpreter_base: usize,
    pub(super) credentials: &'a Credentials,
    pub(super) is_secure: bool,
    pub(super) features: UserFeatures,
    /// Where the kernel's shared library lies, if the program is to know.
    pub(super) library: Option<usize>,
}

/// The entries, in Linux's order.
pub(super) fn entries(facts: &Facts<'_>) -> [(u64, AuxiliaryValue); ENTRIES - 1] {
    let (uid, gid) = (&facts.credentials.uid, &facts.credentials.gid);
    // LINUX: entries of the architecture's come first. Without a library, AT_IGNORE stands in its place.
    let library = facts.library.map_or((AT_IGNORE, 0), |library| (AT_SYSINFO_EHDR, library as u64));
    [
        (library.0, Number(library.1)),
        (AT_MINSIGSTKSZ, Number(FRAME_BYTES + facts.features.fp_frame_bytes as u64)),
        (AT_HWCAP, Number(facts.features.hwcap)),
        (AT_PAGESZ, Number(PAGE_SIZE as u64)),
        (AT_CLKTCK, Number(CLOCK_TICKS)),
        (AT_PHDR, Number(facts.program.headers as u64)),
        (AT_PHENT, Number(PROGRAM_HEADER_BYTES)),
        (AT_PHNUM, Number(facts.header_count as u64)),
        (AT_BASE, Number(facts.interpreter_base as u64)),
        (AT_FLAGS, Number(0)),
        (AT_ENTRY, Number(facts.program.entry as u64)),
        (AT_UID, Number(u64::from(uid.real))),
        (AT_EUID, Number(u64::from(uid.effective))),
        (AT_GID, Number(u64::from(gid.real))),
        (AT_EGID, Number(u64::from(gid.effective))),
        (AT_SECURE, Number(u64::from(facts.is_secure))),
        (AT_RANDOM, Random),
        (AT_HWCAP2, Number(facts.features.hwcap2)),
        (AT_EXECFN, FileName),
        (AT_PLATFORM, Platform),
    ]
    .map(|(kind, value)| (u64::from(kind), value))
}
