//! Words of `ptrace(2)`: requests, options, events, and what the register sets look like on each architecture.
//!
//! Same item names for both architectures; both are compiled everywhere, so that both are tested on any host, and the one built for
//! is re-exported.
pub mod aarch64;
pub mod x86_64;

#[cfg(target_arch = "aarch64")]
pub use aarch64::*;
#[cfg(target_arch = "x86_64")]
pub use x86_64::*;

/// The floating-point set of a saved state, which begins with it on both.
pub fn fp_set(image: &[u8]) -> [u8; FP_SET_BYTES] {
    let mut set = [0; FP_SET_BYTES];
    let count = image.len().min(FP_SET_BYTES);
    set[..count].copy_from_slice(&image[..count]);
    set
}

/// Requests.
#[allow(missing_docs, reason = "ptrace(2)")]
pub mod request {
    pub const TRACEME: u64 = 0;
    pub const PEEKTEXT: u64 = 1;
    pub const PEEKDATA: u64 = 2;
    pub const PEEKUSER: u64 = 3;
    pub const POKETEXT: u64 = 4;
    pub const POKEDATA: u64 = 5;
    pub const POKEUSER: u64 = 6;
    pub const CONT: u64 = 7;
    pub const KILL: u64 = 8;
    pub const SINGLESTEP: u64 = 9;
    pub const GETREGS: u64 = 12;
    pub const SETREGS: u64 = 13;
    pub const GETFPREGS: u64 = 14;
    pub const SETFPREGS: u64 = 15;
    pub const ATTACH: u64 = 16;
    pub const DETACH: u64 = 17;
    pub const SYSCALL: u64 = 24;
    pub const ARCH_PRCTL: u64 = 30;
    pub const SYSEMU: u64 = 31;
    pub const SYSEMU_SINGLESTEP: u64 = 32;
    pub const SETOPTIONS: u64 = 0x4200;
    pub const GETEVENTMSG: u64 = 0x4201;
    pub const GETSIGINFO: u64 = 0x4202;
    pub const SETSIGINFO: u64 = 0x4203;
    pub const GETREGSET: u64 = 0x4204;
    pub const SETREGSET: u64 = 0x4205;
    pub const SEIZE: u64 = 0x4206;
    pub const INTERRUPT: u64 = 0x4207;
    pub const LISTEN: u64 = 0x4208;
    pub const PEEKSIGINFO: u64 = 0x4209;
    pub const GETSIGMASK: u64 = 0x420a;
    pub const SETSIGMASK: u64 = 0x420b;
    pub const GET_SYSCALL_INFO: u64 = 0x420e;
}

/// Options (`PTRACE_O_*`). An event's option is bit n for event n.
#[allow(missing_docs, reason = "ptrace(2)")]
pub mod option {
    pub const TRACESYSGOOD: u32 = 1;
    pub const TRACEFORK: u32 = 1 << super::event::FORK;
    pub const TRACEVFORK: u32 = 1 << super::event::VFORK;
    pub const TRACECLONE: u32 = 1 << super::event::CLONE;
    pub const TRACEEXEC: u32 = 1 << super::event::EXEC;
    pub const TRACEVFORKDONE: u32 = 1 << super::event::VFORK_DONE;
    pub const TRACEEXIT: u32 = 1 << super::event::EXIT;
    pub const TRACESECCOMP: u32 = 1 << 7;
    pub const EXITKILL: u32 = 1 << 20;
    /// All that there are here. There are no seccomp filters, so nothing is ever told of them.
    pub const KNOWN: u32 = 0xff | EXITKILL;
}

/// Events (`PTRACE_EVENT_*`).
#[allow(missing_docs, reason = "ptrace(2)")]
pub mod event {
    pub const FORK: u32 = 1;
    pub const VFORK: u32 = 2;
    pub const CLONE: u32 = 3;
    pub const EXEC: u32 = 4;
    pub const VFORK_DONE: u32 = 5;
    pub const EXIT: u32 = 6;
    pub const STOP: u32 = 128;
}

/// Register sets (`NT_*`).
#[allow(missing_docs, reason = "elf(5), <linux/elf.h>")]
pub mod note {
    pub const PRSTATUS: u64 = 1;
    pub const PRFPREG: u64 = 2;
    pub const X86_XSTATE: u64 = 0x202;
    pub const ARM_TLS: u64 = 0x401;
    pub const ARM_HW_BREAK: u64 = 0x402;
    pub const ARM_HW_WATCH: u64 = 0x403;
    pub const ARM_SYSTEM_CALL: u64 = 0x404;
}

/// The four answers by which a call says how it wants to go on after a signal: they are seen by tracers.
pub const RESTARTS: [u16; 4] = [512, 513, 514, 516];

/// `struct ptrace_syscall_info`: what a stop at a system call is about.
#[derive(Clone, Copy, Default, Debug)]
pub struct SyscallInfo {
    /// 0 for another stop, 1 at the entry, 2 at the exit.
    pub operation: u8,
    /// Program counter and stack pointer.
    pub pc: u64,
    /// See `pc`.
    pub sp: u64,
    /// The number and the arguments, or the result and whether it is an error.
    pub words: [u64; 7],
}

impl SyscallInfo {
    /// Its bytes, and how many of them mean something.
    pub fn bytes(&self) -> ([u8; 88], usize) {
        let mut bytes = [0; 88];
        bytes[0] = self.operation;
        bytes[4..8].copy_from_slice(&crate::arch::AUDIT_ARCH.to_le_bytes());
        for (index, word) in [self.pc, self.sp].iter().chain(&self.words).enumerate() {
            bytes[8 + 8 * index..][..8].copy_from_slice(&word.to_le_bytes());
        }
        (bytes, [24, 80, 33][usize::from(self.operation).min(2)])
    }
}
