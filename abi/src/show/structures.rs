//! Structures, each in the form and at the length in which strace shows it.
use super::line::Line;
use super::names;
use super::scalar::{self, bits, descriptor, device, file_mode, hexadecimal, permissions};
use super::text;
use super::{Memory, read};
use crate::ipc::Sembuf;
use crate::{
    CloneArgs, EpollEvent, Iovec, Itimerspec, Itimerval, OpenHow, Pollfd, Rlimit64, Rusage, Sigevent, Stat, Statfs,
    Statx, Sysinfo, Timespec, Timeval, Tms, Utsname,
};

/// Most elements of an array that are shown.
pub(super) const ELEMENTS: u64 = 32;

/// Shows what lies at an address, or the address.
pub(super) fn at<T: crate::Plain>(line: &mut Line, memory: &mut dyn Memory, place: u64, show: fn(&mut Line, &T)) {
    match read::<T>(memory, place) {
        Some(value) => show(line, &value),
        None => scalar::address(line, place),
    }
}

/// Shows `count` values from an address on, or the address.
pub(super) fn array<T: crate::Plain>(
    line: &mut Line,
    memory: &mut dyn Memory,
    place: u64,
    count: u64,
    mut show: impl FnMut(&mut Line, &mut dyn Memory, &T),
) {
    if place == 0 || count == 0 {
        return if place == 0 { line.push("NULL") } else { line.push("[]") };
    }
    for index in 0..count {
        if index == ELEMENTS {
            line.push(", ...");
            break;
        }
        let Some(value) = read::<T>(memory, place.wrapping_add(index * size_of::<T>() as u64)) else {
            if index == 0 {
                return scalar::address(line, place);
            }
            line.push(", ...");
            break;
        };
        line.push(if index == 0 { "[" } else { ", " });
        show(line, memory, &value);
    }
    line.push("]");
}

pub(super) fn timespec(line: &mut Line, time: &Timespec) {
    line.put(format_args!("{{tv_sec={}, tv_nsec={}}}", time.seconds, time.nanoseconds));
}

pub(super) fn timeval(line: &mut Line, time: &Timeval) {
    line.put(format_args!("{{tv_sec={}, tv_usec={}}}", time.seconds, time.microseconds));
}

pub(super) fn itimerspec(line: &mut Line, timer: &Itimerspec) {
    line.push("{it_interval=");
    timespec(line, &timer.interval);
    line.push(", it_value=");
    timespec(line, &timer.value);
    line.push("}");
}

pub(super) fn itimerval(line: &mut Line, timer: &Itimerval) {
    line.push("{it_interval=");
    timeval(line, &timer.interval);
    line.push(", it_value=");
    timeval(line, &timer.value);
    line.push("}");
}

/// Of a file's time; the special values by name.
pub(super) fn file_time(line: &mut Line, time: &Timespec) {
    const NOW: i64 = crate::linux::UTIME_NOW as i64;
    const OMIT: i64 = crate::linux::UTIME_OMIT as i64;
    match time.nanoseconds {
        NOW => line.push("UTIME_NOW"),
        OMIT => line.push("UTIME_OMIT"),
        _ => {
            timespec(line, time);
            date(line, time);
        }
    }
}

/// ` /* 1970-01-01T00:00:01.000000002+0000 */`.
fn date(line: &mut Line, time: &Timespec) {
    const YEARS: i64 = 9999;
    if !(0..YEARS * 31_000_000).contains(&time.seconds) || !(0..1_000_000_000).contains(&time.nanoseconds) {
        return;
    }
    let (days, second) = (time.seconds / 86_400, time.seconds % 86_400);
    // Days to a date of the Gregorian calendar, counted from March, by eras of 400 years.
    let from_march = days + 719_468;
    let (era, day) = (from_march / 146_097, from_march % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    line.put(format_args!(" /* {year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"));
    if time.nanoseconds != 0 {
        line.put(format_args!(".{:09}", time.nanoseconds));
    }
    line.push("+0000 */");
}

pub(super) fn stat(line: &mut Line, stat: &Stat) {
    line.push("{st_mode=");
    let mode = u64::from(stat.mode);
    file_mode(line, mode);
    if matches!(mode & 0o170_000, 0o020_000 | 0o060_000) {
        line.push(", st_rdev=");
        device(line, stat.rdev);
    } else {
        line.put(format_args!(", st_size={}", stat.size));
    }
    line.push(", ...}");
}

pub(super) fn statx(line: &mut Line, stat: &Statx) {
    line.push("{stx_mask=");
    bits(line, &names::STATX, u64::from(stat.mask));
    line.put(format_args!(", stx_attributes={}, stx_mode=", if stat.attributes == 0 { "0" } else { "..." }));
    file_mode(line, u64::from(stat.mode));
    line.put(format_args!(", stx_size={}, ...}}", stat.size));
}

pub(super) fn statfs(line: &mut Line, statfs: &Statfs) {
    line.push("{f_type=");
    match names::FS_MAGIC.find(statfs.magic.cast_unsigned()) {
        Some(name) => line.push(name),
        None => line.put(format_args!("{:#x}", statfs.magic)),
    }
    line.put(format_args!(
        ", f_bsize={}, f_blocks={}, f_bfree={}, f_bavail={}, f_files={}, f_ffree={}, f_fsid={{val=[",
        statfs.block_bytes, statfs.blocks, statfs.blocks_free, statfs.blocks_available, statfs.files, statfs.files_free
    ));
    hexadecimal(line, u64::from(statfs.id[0].cast_unsigned()));
    line.push(", ");
    hexadecimal(line, u64::from(statfs.id[1].cast_unsigned()));
    line.put(format_args!("]}}, f_namelen={}, f_frsize={}, f_flags=", statfs.name_bytes, statfs.fragment_bytes));
    bits(line, &names::ST, statfs.flags.cast_unsigned());
    line.push("}");
}

/// A limit: multiples of 1,024 as such.
fn limit(line: &mut Line, value: u64, infinity: &str) {
    match value {
        u64::MAX => line.push(infinity),
        _ if value > 1024 && value.is_multiple_of(1024) => line.put(format_args!("{}*1024", value / 1024)),
        _ => line.put(format_args!("{value}")),
    }
}

pub(super) fn rlimit(line: &mut Line, limits: &Rlimit64, infinity: &str) {
    line.push("{rlim_cur=");
    limit(line, limits.soft, infinity);
    line.push(", rlim_max=");
    limit(line, limits.hard, infinity);
    line.push("}");
}

pub(super) fn rusage(line: &mut Line, usage: &Rusage) {
    line.push("{ru_utime=");
    timeval(line, &usage.user_time);
    line.push(", ru_stime=");
    timeval(line, &usage.system_time);
    line.push(", ...}");
}

pub(super) fn utsname(line: &mut Line, name: &Utsname) {
    let field =
        |line: &mut Line, bytes: &[u8]| text::quote(line, bytes.split(|byte| *byte == 0).next().unwrap_or_default());
    line.push("{sysname=");
    field(line, &name.system);
    line.push(", nodename=");
    field(line, &name.node);
    line.push(", ...}");
}

pub(super) fn sysinfo(line: &mut Line, info: &Sysinfo) {
    let [one, five, fifteen] = info.loads;
    line.put(format_args!("{{uptime={}, loads=[{one}, {five}, {fifteen}]", info.uptime));
    line.put(format_args!(", totalram={}, freeram={}, sharedram={}", info.total_ram, info.free_ram, info.shared_ram));
    line.put(format_args!(
        ", bufferram={}, totalswap={}, freeswap={}",
        info.buffer_ram, info.total_swap, info.free_swap
    ));
    line.put(format_args!(", procs={}, totalhigh={}, freehigh={}", info.processes, info.total_high, info.free_high));
    line.put(format_args!(", mem_unit={}}}", info.unit));
}

pub(super) fn tms(line: &mut Line, tms: &Tms) {
    line.put(format_args!("{{tms_utime={}, tms_stime={}", tms.user, tms.system));
    line.put(format_args!(", tms_cutime={}, tms_cstime={}}}", tms.children_user, tms.children_system));
}

pub(super) fn sigevent(line: &mut Line, event: &Sigevent) {
    // CAST: the low half is the number.
    line.put(format_args!("{{sigev_value={{sival_int={}, sival_ptr=", event.value as i32));
    scalar::address(line, event.value);
    line.push("}, sigev_signo=");
    scalar::signal(line, event.signal);
    line.push(", sigev_notify=");
    scalar::one(line, &names::SIGEV, u64::from(event.notify.cast_unsigned()));
    if event.notify == 4 {
        line.put(format_args!(", sigev_notify_thread_id={}", event.thread));
    }
    line.push("}");
}

/// What is wanted of a descriptor.
pub(super) fn pollfd(line: &mut Line, memory: &mut dyn Memory, fd: &Pollfd) {
    line.push("{fd=");
    descriptor(line, memory, fd.fd);
    if fd.fd >= 0 {
        line.push(", events=");
        bits(line, &names::POLL, u64::from(fd.events.cast_unsigned()));
    }
    line.push("}");
}

pub(super) fn epoll_event(line: &mut Line, event: &EpollEvent) {
    // The structure is packed on one architecture: copies, not references.
    let (events, data) = (event.events, event.data);
    line.push("{events=");
    bits(line, &names::EPOLL, u64::from(events));
    // CAST: the union's low half.
    line.put(format_args!(", data={{u32={}, u64={data}}}}}", data as u32));
}

/// Segments, of which `moved` bytes hold something, if that is known.
pub(super) fn iovecs(
    line: &mut Line,
    memory: &mut dyn Memory,
    place: u64,
    count: u64,
    moved: Option<u64>,
    string_bytes: usize,
) {
    let mut left = moved.unwrap_or(u64::MAX);
    array::<Iovec>(line, memory, place, count, |line, memory, segment| {
        line.push("{iov_base=");
        let shown = segment.bytes.min(left);
        left -= shown;
        text::bytes(line, memory, segment.base, shown, string_bytes);
        line.put(format_args!(", iov_len={}}}", segment.bytes));
    });
}

pub(super) fn clone_arguments(line: &mut Line, clone: &CloneArgs) {
    line.push("{flags=");
    bits(line, &names::CLONE, clone.flags);
    const PARENT_SETTID: u64 = 0x10_0000;
    const CHILD_TID: u64 = 0x120_0000;
    const PIDFD: u64 = 0x1000;
    const SETTLS: u64 = 0x8_0000;
    let place = |line: &mut Line, name: &str, word: u64| {
        line.put(format_args!(", {name}="));
        scalar::address(line, word);
    };
    if clone.flags & PIDFD != 0 {
        place(line, "pidfd", clone.pidfd);
    }
    if clone.flags & CHILD_TID != 0 {
        place(line, "child_tid", clone.child_tid);
    }
    if clone.flags & PARENT_SETTID != 0 {
        place(line, "parent_tid", clone.parent_tid);
    }
    line.push(", exit_signal=");
    match i32::try_from(clone.exit_signal) {
        Ok(signal) => scalar::signal(line, signal),
        Err(_) => line.put(format_args!("{}", clone.exit_signal)),
    }
    place(line, "stack", clone.stack);
    line.push(", stack_size=");
    hexadecimal(line, clone.stack_size);
    if clone.flags & SETTLS != 0 {
        place(line, "tls", clone.tls);
    }
    line.push("}");
}

pub(super) fn open_how(line: &mut Line, how: &OpenHow) {
    line.push("{flags=");
    scalar::open_flags(line, how.flags);
    if how.flags & u64::from(crate::linux::O_CREAT) != 0 {
        line.push(", mode=");
        permissions(line, how.mode);
    }
    line.push(", resolve=");
    bits(line, &names::RESOLVE, how.resolve);
    line.push("}");
}

pub(super) fn sembuf(line: &mut Line, operation: &Sembuf) {
    line.put(format_args!("{{sem_num={}, sem_op={}, sem_flg=", operation.number, operation.change));
    hexadecimal(line, u64::from(operation.flags.cast_unsigned()));
    line.push("}");
}
