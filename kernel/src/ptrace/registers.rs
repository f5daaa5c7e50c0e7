//! Register sets of a stopped task, as PTRACE_GETREGSET and its older kin see them: bytes in and out.
use super::state::{Kind, Stop};
use crate::errno::{Errno, Result};
use abi::ptrace::{self, SyscallInfo, Words, note};
use alloc::vec::Vec;
use machine::addr::USER_END;
use zerocopy::IntoBytes;

/// Bytes of the longest set that a caller may give.
pub const MOST_BYTES: usize = 8192;
/// Version of ARM's debug architecture, and no breakpoints: there are none for programs.
const NO_BREAKPOINTS: u32 = 6 << 8;

fn copy(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len())?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// The bytes of a set; EINVAL for one that there is not.
pub fn get(stop: &Stop, set: u64) -> Result<Vec<u8>> {
    match set {
        note::PRSTATUS => copy(stop.words.as_bytes()),
        note::PRFPREG => copy(&ptrace::fp_set(stop.fp.as_ref().ok_or(Errno::ENOMEM)?)),
        note::X86_XSTATE if ptrace::HAS_EXTENDED_SET => {
            let mut image = copy(stop.fp.as_ref().ok_or(Errno::ENOMEM)?)?;
            ptrace::mark_extended(&mut image);
            Ok(image)
        }
        note::ARM_TLS if ptrace::HAS_ARM_SETS => copy(&stop.tls.to_le_bytes()),
        note::ARM_SYSTEM_CALL if ptrace::HAS_ARM_SETS => {
            let is_call = matches!(stop.kind, Kind::Entry | Kind::Exit);
            // CAST: a number of 32 bits; -1 outside calls.
            copy(&(if is_call { stop.number as i32 } else { -1 }).to_le_bytes())
        }
        note::ARM_HW_BREAK | note::ARM_HW_WATCH if ptrace::HAS_ARM_SETS => {
            copy(&u64::from(NO_BREAKPOINTS).to_le_bytes())
        }
        _ => Err(Errno::EINVAL),
    }
}

/// Changes a set, or its beginning.
pub fn set(stop: &mut Stop, set: u64, bytes: &[u8]) -> Result<()> {
    match set {
        note::PRSTATUS => {
            if !bytes.len().is_multiple_of(size_of::<u64>()) || bytes.len() > size_of::<Words>() {
                return Err(Errno::EINVAL);
            }
            let mut words = stop.words;
            words.as_mut_bytes()[..bytes.len()].copy_from_slice(bytes);
            set_words(stop, words)
        }
        note::PRFPREG => {
            stop.has_new_fp = true;
            ptrace::change_fp(stop.fp.as_mut().ok_or(Errno::ENOMEM)?, bytes);
            Ok(())
        }
        note::X86_XSTATE if ptrace::HAS_EXTENDED_SET => {
            let image = stop.fp.as_mut().ok_or(Errno::ENOMEM)?;
            if bytes.len() != image.len() {
                return Err(Errno::EFAULT);
            }
            image.copy_from_slice(bytes);
            stop.has_new_fp = true;
            Ok(())
        }
        note::ARM_TLS if ptrace::HAS_ARM_SETS => {
            let base = bytes.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)).ok_or(Errno::EINVAL)?;
            if base >= USER_END as u64 {
                return Err(Errno::EINVAL);
            }
            stop.tls = base;
            Ok(())
        }
        note::ARM_SYSTEM_CALL if ptrace::HAS_ARM_SETS => {
            let number = bytes.first_chunk().map(|bytes| i32::from_le_bytes(*bytes)).ok_or(Errno::EINVAL)?;
            // CAST: -1 is no call.
            stop.number = number as i64 as u64;
            Ok(())
        }
        _ => Err(Errno::EINVAL),
    }
}

/// Changes all general registers. EIO for bases that no program can have.
pub fn set_words(stop: &mut Stop, words: Words) -> Result<()> {
    let (tls, gs) = ptrace::bases(&words);
    if tls >= USER_END as u64 || gs >= USER_END as u64 {
        return Err(Errno::EIO);
    }
    stop.words = words;
    stop.has_new_words = true;
    Ok(())
}

/// Whether `struct user` has a word there; on ARM64 it has none.
fn is_in_user_area(offset: u64) -> bool {
    ptrace::HAS_GENERAL_REQUESTS && offset.is_multiple_of(8) && (0..ptrace::USER_AREA_BYTES).contains(&offset)
}

/// A word of the user area (`struct user`).
pub fn peek_user(stop: &Stop, offset: u64) -> Result<u64> {
    if !is_in_user_area(offset) {
        return Err(Errno::EIO);
    }
    // CAST: below the area's size. What lies behind the registers reads as zero: no debug register is in use.
    Ok(stop.words.get(offset as usize / 8).copied().unwrap_or(0))
}

/// Changes a word of the user area: a register. Debug registers can only be cleared.
pub fn poke_user(stop: &mut Stop, offset: u64, value: u64) -> Result<()> {
    if !is_in_user_area(offset) {
        return Err(Errno::EIO);
    }
    let mut words = stop.words;
    // CAST: below the area's size.
    match words.get_mut(offset as usize / 8) {
        Some(word) => {
            *word = value;
            set_words(stop, words)
        }
        None if ptrace::USER_AREA_DEBUG.contains(&offset) && value == 0 => Ok(()),
        None if ptrace::USER_AREA_DEBUG.contains(&offset) => Err(Errno::EINVAL),
        None => Err(Errno::EIO),
    }
}

/// What PTRACE_GET_SYSCALL_INFO tells.
pub fn syscall_info(stop: &Stop) -> SyscallInfo {
    let mut info = SyscallInfo { pc: stop.words[ptrace::PC], sp: stop.words[ptrace::SP], ..SyscallInfo::default() };
    match stop.kind {
        Kind::Entry => {
            info.operation = 1;
            info.words[0] = stop.number;
            info.words[1..].copy_from_slice(&ptrace::arguments(&stop.words));
        }
        Kind::Exit => {
            let result = stop.words[ptrace::RESULT];
            info.operation = 2;
            // LINUX: the 4,095 numbers below zero are errors.
            info.words[..2].copy_from_slice(&[result, u64::from(result > u64::MAX - 4095)]);
        }
        _ => {}
    }
    info
}
