//! `ptrace`, and reading and writing other processes' memory in segments.
use super::argument::LongFlags;
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::fs::{Sink, Source};
use crate::mm::AddressSpace;
use crate::mm::remote::Force;
use crate::ptrace::access::{self, Rights};
use crate::ptrace::registers;
use crate::ptrace::tracer::{self, Pace, with_stop, with_stopped};
use crate::signal::{self, Signal, SignalSet};
use crate::task::{Pid, Task, table};
use crate::user_memory::{UserPtr, UserSlice, read_iovecs};
use abi::ptrace::{self as words, Words, note, option, request};
use abi::{Iovec, Siginfo};
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::addr::{PAGE_SIZE, UserAddr};

/// Bytes of a signal set.
const SET_BYTES: u64 = 8;

fn find(call: &Call<'_>, pid: i32) -> Result<Arc<Task>> {
    let tid = Pid::try_from(pid).map_err(|_| Errno::ESRCH)?;
    table::find_task(call.cx, tid).ok_or(Errno::ESRCH)
}

/// The memory of a task that the caller traces. EIO if the program may not be looked into and the tracer did not have the right to
/// look into any: a tracer stays when its task executes a program that it may not read.
fn space_of(call: &Call<'_>, task: &Task) -> Result<Arc<AddressSpace>> {
    let space = task.space(call.cx).ok_or(Errno::EIO)?;
    if space.is_dumpable() || !task.tracing.is_traced_by_lesser(call.cx) { Ok(space) } else { Err(Errno::EIO) }
}

/// CAST: usize is 64 bits on both architectures.
fn address(word: u64) -> UserAddr {
    UserAddr(word as usize)
}

/// Traces another task.
pub fn sys_ptrace(call: &mut Call<'_>, request: u64, pid: i32, addr: LongFlags, data: LongFlags) -> Result<u64> {
    let (addr, data) = (addr.0, data.0);
    if request == request::TRACEME {
        tracer::trace_me(call.cx, call.task)?;
        return Ok(0);
    }
    let task = find(call, pid)?;
    match request {
        request::ATTACH => attach(call, &task, false, 0)?,
        request::SEIZE if addr != 0 => return Err(Errno::EIO),
        request::SEIZE => attach(call, &task, true, data)?,
        request::KILL => {
            tracer::check_traces(call.cx, call.task, &task)?;
            let info = Siginfo::from_process(Signal::SIGKILL.number(), 0, call.process().pid(), 0);
            signal::send_to_task(call.cx, &task, info)?;
        }
        request::INTERRUPT => tracer::interrupt(call.cx, call.task, &task)?,
        request::LISTEN => tracer::listen(call.cx, call.task, &task)?,
        request::CONT => go_on(call, &task, Pace::Freely, data)?,
        request::SYSCALL => go_on(call, &task, Pace::ToCall, data)?,
        request::SINGLESTEP => go_on(call, &task, Pace::Step, data)?,
        request::SYSEMU => go_on(call, &task, Pace::ToCallNotServed, data)?,
        request::SYSEMU_SINGLESTEP => go_on(call, &task, Pace::StepNotServed, data)?,
        request::DETACH => {
            // CAST: what is no signal's number is refused.
            tracer::detach(call.cx, call.task, &task, i32::try_from(data).unwrap_or(-1))?;
        }
        _ => {
            with_stopped(call.cx, call.task, &task, |_| Ok(()))?;
            return of_stopped(call, &task, request, addr, data);
        }
    }
    Ok(0)
}

fn attach(call: &mut Call<'_>, task: &Arc<Task>, is_seized: bool, options: u64) -> Result<()> {
    let options = known_options(options)?;
    if Arc::ptr_eq(task.process(), call.process()) || task.process().pid() == table::INIT {
        return Err(Errno::EPERM);
    }
    tracer::attach_to(call.cx, call.task, task, is_seized, options)
}

fn known_options(options: u64) -> Result<u32> {
    let options = u32::try_from(options).map_err(|_| Errno::EINVAL)?;
    if options & !option::KNOWN == 0 { Ok(options) } else { Err(Errno::EINVAL) }
}

fn go_on(call: &Call<'_>, task: &Task, pace: Pace, signal: u64) -> Result<()> {
    // CAST: what is no signal's number is refused.
    tracer::resume(call.cx, call.task, task, pace, i32::try_from(signal).unwrap_or(-1))
}

/// Requests about a stopped task.
fn of_stopped(call: &mut Call<'_>, task: &Arc<Task>, request: u64, addr: u64, data: u64) -> Result<u64> {
    match request {
        request::PEEKTEXT | request::PEEKDATA => {
            let mut word = [0; 8];
            let space = space_of(call, task)?;
            if space.read_memory(call.cx, address(addr), &mut word).unwrap_or(0) != word.len() {
                return Err(Errno::EIO);
            }
            UserPtr::<u64>::new(address(data)).write(call.cx, &u64::from_le_bytes(word))?;
        }
        request::POKETEXT | request::POKEDATA => {
            let space = space_of(call, task)?;
            let written = space.poke_memory(call.cx, address(addr), &data.to_le_bytes(), Force::Private);
            if written.unwrap_or(0) != size_of::<u64>() {
                return Err(Errno::EIO);
            }
        }
        request::PEEKUSER => {
            let word = with_stop(call.cx, call.task, task, |stop| registers::peek_user(stop, addr))?;
            UserPtr::<u64>::new(address(data)).write(call.cx, &word)?;
        }
        request::POKEUSER => with_stop(call.cx, call.task, task, |stop| registers::poke_user(stop, addr, data))?,
        request::GETREGS | request::SETREGS | request::GETFPREGS | request::SETFPREGS
            if words::HAS_GENERAL_REQUESTS =>
        {
            general(call, task, request, data)?;
        }
        request::ARCH_PRCTL if words::HAS_GENERAL_REQUESTS => arch_prctl(call, task, addr, data)?,
        request::GETREGSET => get_set(call, task, addr, UserPtr::new(address(data)))?,
        request::SETREGSET => set_set(call, task, addr, UserPtr::new(address(data)))?,
        request::GETSIGINFO => {
            let info = with_stop(call.cx, call.task, task, |stop| stop.info.ok_or(Errno::EINVAL))?;
            UserPtr::<Siginfo>::new(address(data)).write(call.cx, &info)?;
        }
        request::SETSIGINFO => {
            let info = UserPtr::<Siginfo>::new(address(data)).read(call.cx)?;
            with_stop(call.cx, call.task, task, |stop| {
                *stop.info.as_mut().ok_or(Errno::EINVAL)? = info;
                Ok(())
            })?;
        }
        request::GETEVENTMSG => {
            let message = with_stopped(call.cx, call.task, task, |state| Ok(state.message))?;
            UserPtr::<u64>::new(address(data)).write(call.cx, &message)?;
        }
        request::SETOPTIONS => {
            let options = known_options(data)?;
            with_stopped(call.cx, call.task, task, |state| {
                state.options = options;
                Ok(())
            })?;
        }
        request::GETSIGMASK | request::SETSIGMASK if addr != SET_BYTES => return Err(Errno::EINVAL),
        request::GETSIGMASK => {
            // LINUX: of a task in a call with a mask of its own, the one that it will have again.
            let mask = task.signals.saved_mask().unwrap_or(task.signals.blocked());
            UserPtr::<u64>::new(address(data)).write(call.cx, &mask.0)?;
        }
        request::SETSIGMASK => {
            let mask = UserPtr::<u64>::new(address(data)).read(call.cx)?;
            signal::send::change_mask_of(call.cx, task, SignalSet(mask));
        }
        request::PEEKSIGINFO => return peek_signals(call, task, addr, data),
        request::GET_SYSCALL_INFO => {
            let info = with_stop(call.cx, call.task, task, |stop| Ok(registers::syscall_info(stop)))?;
            let (bytes, count) = info.bytes();
            // CAST: bounded by the array's length.
            let given = addr.min(count as u64) as usize;
            UserSlice::new(address(data), given).write(call.cx, &bytes[..given])?;
            return Ok(count as u64);
        }
        _ => return Err(Errno::EIO),
    }
    Ok(0)
}

/// PTRACE_PEEKSIGINFO: copies what is pending, from some place on, and leaves it; answers how many.
fn peek_signals(call: &mut Call<'_>, task: &Task, arguments: u64, to: u64) -> Result<u64> {
    const OF_PROCESS: u64 = 1;
    let [first, word] = UserPtr::<[u64; 2]>::new(address(arguments)).read(call.cx)?;
    // CAST: halves of the word: flags, and a signed count.
    let (flags, count) = (word & 0xffff_ffff, (word >> 32) as i32);
    if flags & !OF_PROCESS != 0 {
        return Err(Errno::EINVAL);
    }
    let count = u64::try_from(count).map_err(|_| Errno::EINVAL)?;
    let mut done = 0;
    while done < count {
        let place = first.checked_add(done).and_then(|place| usize::try_from(place).ok());
        let found = place.and_then(|place| match flags {
            OF_PROCESS => task.process().signals.peek(place),
            _ => task.signals.peek(place),
        });
        let Some(info) = found else { break };
        let addr = to.wrapping_add(done * size_of::<Siginfo>() as u64);
        match UserPtr::<Siginfo>::new(address(addr)).write(call.cx, &info) {
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
            Ok(()) => done += 1,
        }
        if call.cx.is_notified() {
            break;
        }
    }
    Ok(done)
}

/// The requests that only x86-64 has.
fn general(call: &mut Call<'_>, task: &Task, request: u64, data: u64) -> Result<()> {
    match request {
        request::GETREGS => {
            let words = with_stop(call.cx, call.task, task, |stop| Ok(stop.words))?;
            UserPtr::<Words>::new(address(data)).write(call.cx, &words)
        }
        request::SETREGS => {
            let words = UserPtr::<Words>::new(address(data)).read(call.cx)?;
            with_stop(call.cx, call.task, task, |stop| registers::set_words(stop, words))
        }
        request::GETFPREGS => {
            let bytes = with_stop(call.cx, call.task, task, |stop| registers::get(stop, note::PRFPREG))?;
            UserSlice::new(address(data), bytes.len()).write(call.cx, &bytes)
        }
        _ => {
            let bytes = UserSlice::new(address(data), words::FP_SET_BYTES).read_vec(call.cx)?;
            with_stop(call.cx, call.task, task, |stop| registers::set(stop, note::PRFPREG, &bytes))
        }
    }
}

/// PTRACE_ARCH_PRCTL: the bases by `arch_prctl`'s codes.
fn arch_prctl(call: &mut Call<'_>, task: &Task, addr: u64, code: u64) -> Result<()> {
    const SET_GS: u64 = 0x1001;
    const SET_FS: u64 = 0x1002;
    const GET_FS: u64 = 0x1003;
    const GET_GS: u64 = 0x1004;
    let (fs, gs) = with_stop(call.cx, call.task, task, |stop| Ok(words::bases(&stop.words)))?;
    let (fs, gs) = match code {
        GET_FS => return UserPtr::<u64>::new(address(addr)).write(call.cx, &fs),
        GET_GS => return UserPtr::<u64>::new(address(addr)).write(call.cx, &gs),
        SET_FS => (addr, gs),
        SET_GS => (fs, addr),
        _ => return Err(Errno::EINVAL),
    };
    with_stop(call.cx, call.task, task, |stop| {
        let mut words = stop.words;
        words::set_bases(&mut words, fs, gs);
        registers::set_words(stop, words)
    })
}

/// EINVAL unless a buffer holds whole items of a set.
fn check_items(set: u64, bytes: u64) -> Result<usize> {
    let item = match set {
        note::ARM_SYSTEM_CALL | note::ARM_HW_BREAK | note::ARM_HW_WATCH => 4,
        note::PRFPREG if words::HAS_ARM_SETS => 4,
        _ => 8,
    };
    if !bytes.is_multiple_of(item) {
        return Err(Errno::EINVAL);
    }
    usize::try_from(bytes).map(|bytes| bytes.min(registers::MOST_BYTES)).map_err(|_| Errno::EINVAL)
}

fn get_set(call: &mut Call<'_>, task: &Task, set: u64, place: UserPtr<Iovec>) -> Result<()> {
    let given = place.read(call.cx)?;
    let bytes = with_stop(call.cx, call.task, task, |stop| registers::get(stop, set))?;
    let count = check_items(set, given.bytes)?.min(bytes.len());
    UserSlice::new(address(given.base), count).write(call.cx, &bytes[..count])?;
    place.write(call.cx, &Iovec { base: given.base, bytes: count as u64 })
}

fn set_set(call: &mut Call<'_>, task: &Task, set: u64, place: UserPtr<Iovec>) -> Result<()> {
    let given = place.read(call.cx)?;
    let present = with_stop(call.cx, call.task, task, |stop| registers::get(stop, set))?;
    let count = check_items(set, given.bytes)?.min(present.len());
    let bytes = UserSlice::new(address(given.base), count).read_vec(call.cx)?;
    with_stop(call.cx, call.task, task, |stop| registers::set(stop, set, &bytes))?;
    place.write(call.cx, &Iovec { base: given.base, bytes: count as u64 })
}

/// Another process's memory, and the segments of it and of the caller's.
struct Segments {
    space: Arc<AddressSpace>,
    own: Vec<UserSlice>,
    others: Vec<Iovec>,
}

fn segments(
    call: &mut Call<'_>,
    pid: i32,
    own: (UserAddr, usize),
    others: (UserAddr, usize),
    flags: LongFlags,
) -> Result<Segments> {
    if flags.0 != 0 || others.1 > crate::user_memory::IOVEC_COUNT {
        return Err(Errno::EINVAL);
    }
    let own = read_iovecs(call.cx, own.0, own.1)?;
    let others = UserPtr::<Iovec>::new(others.0).read_vec(call.cx, others.1)?;
    if others.iter().any(|segment| i64::try_from(segment.bytes).is_err()) {
        return Err(Errno::EINVAL);
    }
    let task = find(call, pid)?;
    let space = access::space(call.cx, call.task, &task, Rights::Real)?.ok_or(Errno::ESRCH)?;
    Ok(Segments { space, own, others })
}

/// Runs `copy(cx, address there, bytes)` piece by piece, none larger than a page, until one is not copied whole; answers the sum.
fn each_piece(
    call: &mut Call<'_>,
    others: &[Iovec],
    mut left: usize,
    mut copy: impl FnMut(&mut Call<'_>, UserAddr, usize) -> Result<usize>,
) -> Result<u64> {
    let mut sum = 0;
    for segment in others {
        let mut done = 0;
        while done < segment.bytes && left != 0 {
            // CAST: at most a page.
            let bytes = (segment.bytes - done).min(PAGE_SIZE as u64).min(left as u64) as usize;
            let copied = match copy(call, address(segment.base.wrapping_add(done)), bytes) {
                Ok(copied) => copied,
                Err(error) if sum == 0 => return Err(error),
                Err(_) => return Ok(sum),
            };
            sum += copied as u64;
            done += copied as u64;
            left -= copied;
            if copied < bytes {
                return Ok(sum);
            }
        }
    }
    Ok(sum)
}

/// Copies from another process's memory.
pub fn sys_process_vm_readv(
    call: &mut Call<'_>,
    pid: i32,
    to: UserAddr,
    to_count: usize,
    from: UserAddr,
    from_count: usize,
    flags: LongFlags,
) -> Result<u64> {
    let Segments { space, own, others } = segments(call, pid, (to, to_count), (from, from_count), flags)?;
    let mut sink = Sink::user(&own);
    let mut buffer = page_buffer()?;
    let room = sink.left();
    each_piece(call, &others, room, |call, addr, bytes| {
        let read = space.read_memory(call.cx, addr, &mut buffer[..bytes]).map_err(|_| Errno::EFAULT)?;
        sink.put(call.cx, &buffer[..read])?;
        Ok(read)
    })
}

/// Copies into another process's memory.
pub fn sys_process_vm_writev(
    call: &mut Call<'_>,
    pid: i32,
    from: UserAddr,
    from_count: usize,
    to: UserAddr,
    to_count: usize,
    flags: LongFlags,
) -> Result<u64> {
    let Segments { space, own, others } = segments(call, pid, (from, from_count), (to, to_count), flags)?;
    let mut source = Source::user(&own);
    let mut buffer = page_buffer()?;
    let room = source.left();
    each_piece(call, &others, room, |call, addr, bytes| {
        source.take(call.cx, &mut buffer[..bytes])?;
        space.poke_memory(call.cx, addr, &buffer[..bytes], Force::No).map_err(|_| Errno::EFAULT)
    })
}

fn page_buffer() -> Result<Vec<u8>> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(PAGE_SIZE)?;
    buffer.resize(PAGE_SIZE, 0);
    Ok(buffer)
}
