//! Signals: sets, actions, what came with one, how a thread ended.
use super::Memory;
use super::line::Line;
use super::names::{self, Names};
use super::scalar;
use super::text;
use crate::linux::SA_RESTORER;
use crate::{Sigaction, Siginfo, StackT};

/// Of 64 signals, so many in a set make it shorter to name the others.
const MANY: u32 = 42;

/// A set of signals.
pub fn sigset(line: &mut Line, set: u64) {
    let (mark, shown) = if set.count_ones() >= MANY { ("~[", !set) } else { ("[", set) };
    line.push(mark);
    let mut separator = "";
    for number in (1..=64).filter(|number| shown >> (number - 1) & 1 != 0) {
        line.push(separator);
        separator = " ";
        match names::SIGNAL.find(number) {
            Some(name) => line.push(name.strip_prefix("SIG").unwrap_or(name)),
            None if number == 32 => line.push("RTMIN"),
            None => line.put(format_args!("RT_{}", number - 32)),
        }
    }
    line.push("]");
}

/// A set in memory.
pub(super) fn sigset_at(line: &mut Line, memory: &mut dyn Memory, address: u64) {
    match super::read::<u64>(memory, address) {
        Some(set) => sigset(line, set),
        None => scalar::address(line, address),
    }
}

/// `struct sigaction`.
pub(super) fn sigaction(line: &mut Line, action: &Sigaction) {
    line.push("{sa_handler=");
    match action.handler {
        0 => line.push("SIG_DFL"),
        1 => line.push("SIG_IGN"),
        handler => line.put(format_args!("{handler:#x}")),
    }
    line.push(", sa_mask=");
    sigset(line, action.mask);
    line.push(", sa_flags=");
    scalar::bits(line, &names::SA, action.flags);
    if action.flags & u64::from(SA_RESTORER) != 0 {
        line.put(format_args!(", sa_restorer={:#x}", action.restorer));
    }
    line.push("}");
}

/// `stack_t`.
pub(super) fn alternate_stack(line: &mut Line, stack: &StackT) {
    line.push("{ss_sp=");
    scalar::address(line, stack.base);
    line.push(", ss_flags=");
    scalar::bits(line, &names::SS, u64::from(stack.flags.cast_unsigned()));
    line.put(format_args!(", ss_size={}}}", stack.size));
}

/// The codes that a signal has of its own.
fn codes(signal: i32) -> &'static Names {
    match signal {
        4 => &names::ILL,
        5 => &names::TRAP,
        7 => &names::BUS,
        8 => &names::FPE,
        11 => &names::SEGV,
        17 => &names::CLD,
        _ => &names::SI,
    }
}

/// `siginfo_t`.
pub fn siginfo(line: &mut Line, info: &Siginfo) {
    line.push("{si_signo=");
    scalar::signal(line, info.signal);
    line.push(", si_code=");
    let code = u64::from(info.code.cast_unsigned());
    match names::SI.find(code).or_else(|| codes(info.signal).find(code)) {
        Some(name) => line.push(name),
        None => line.put(format_args!("{}", info.code)),
    }
    if info.error != 0 {
        match u16::try_from(info.error).ok().and_then(crate::errno::name) {
            Some(name) => line.put(format_args!(", si_errno={name}")),
            None => line.put(format_args!(", si_errno={}", info.error)),
        }
    }
    // CAST: halves of words of the union, as Linux lays them out.
    let (low, high) = (|word: u64| word as u32, |word: u64| (word >> 32) as u32);
    let [first, second, third, fourth, ..] = info.fields;
    let is_fault = matches!(info.signal, 4 | 5 | 7 | 8 | 11) && info.code > 0 && info.code < 0x80;
    const SI_KERNEL: i32 = 0x80;
    const SI_TIMER: i32 = -2;
    if is_fault {
        line.push(", si_addr=");
        scalar::address(line, first);
    } else if info.signal == 17 && (1..=6).contains(&info.code) {
        line.put(format_args!(", si_pid={}, si_uid={}, si_status=", low(first), high(first)));
        let status = low(second).cast_signed();
        match info.code {
            1 => line.put(format_args!("{status}")),
            _ => scalar::signal(line, status),
        }
        line.put(format_args!(", si_utime={third}, si_stime={fourth}"));
    } else if info.code == SI_TIMER {
        line.put(format_args!(", si_timerid={:#x}, si_overrun={}", low(first), high(first)));
        value(line, second);
    } else if info.code != SI_KERNEL {
        line.put(format_args!(", si_pid={}, si_uid={}", low(first).cast_signed(), high(first)));
        if info.code == -1 {
            value(line, second);
        }
    }
    line.push("}");
}

/// `union sigval`.
fn value(line: &mut Line, word: u64) {
    // CAST: the low half is the number.
    line.put(format_args!(", si_value={{int={}, ptr=", word as i32));
    scalar::address(line, word);
    line.push("}");
}

/// A status of wait, as the macros tell it.
pub(super) fn wait_status(line: &mut Line, status: i32) {
    let (signal, code) = (status & 0x7f, status >> 8 & 0xff);
    match signal {
        _ if status == 0xffff => line.push("[{WIFCONTINUED(s)}]"),
        0 => line.put(format_args!("[{{WIFEXITED(s) && WEXITSTATUS(s) == {code}}}]")),
        0x7f => {
            line.push("[{WIFSTOPPED(s) && WSTOPSIG(s) == ");
            scalar::signal(line, code);
            line.push("}]");
        }
        _ => {
            line.push("[{WIFSIGNALED(s) && WTERMSIG(s) == ");
            scalar::signal(line, signal);
            line.push(if status & 0x80 != 0 { " && WCOREDUMP(s)}]" } else { "}]" });
        }
    }
}

/// How a thread ended: `exited with 0`, `killed by SIGTERM`.
pub fn exit(line: &mut Line, status: i32) {
    match status & 0x7f {
        0 => line.put(format_args!("exited with {}", status >> 8 & 0xff)),
        signal => {
            line.push("killed by ");
            scalar::signal(line, signal);
            if status & 0x80 != 0 {
                line.push(" (core dumped)");
            }
        }
    }
}

/// The address of a set and its size, as `pselect6` takes them.
pub(super) fn sigset_with_size(line: &mut Line, memory: &mut dyn Memory, address: u64) {
    let (Some(set), Some(size)) = (text::word(memory, address), text::word(memory, address.wrapping_add(8))) else {
        return scalar::address(line, address);
    };
    line.push("{sigmask=");
    sigset_at(line, memory, set);
    line.put(format_args!(", sigsetsize={size}}}"));
}
