//! Calls on the system as a whole, and on properties of processes that fit nowhere else.
use super::argument::{Flags, LongFlags};
use super::call::Call;
use super::capability;
use crate::errno::{Errno, Result};
use crate::signal::Signal;
use crate::task::credentials::Ids;
use crate::task::limits::COUNT as LIMITS;
use crate::task::task::NAME_BYTES;
use crate::task::{Capability, Pid, Process, host, table};
use crate::tty;
use crate::user_memory::{UserCStr, UserPtr, UserSlice};
use abi::linux::{GRND_INSECURE, GRND_NONBLOCK, GRND_RANDOM};
use abi::prctl::{
    PR_GET_CHILD_SUBREAPER, PR_GET_DUMPABLE, PR_GET_NAME, PR_GET_NO_NEW_PRIVS, PR_GET_PDEATHSIG, PR_GET_THP_DISABLE,
    PR_GET_TIMERSLACK, PR_SET_CHILD_SUBREAPER, PR_SET_DUMPABLE, PR_SET_NAME, PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG,
    PR_SET_THP_DISABLE, PR_SET_TIMERSLACK,
};
use abi::process::{ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC};
use abi::{Rlimit64, Sysinfo, Utsname};
use alloc::sync::Arc;
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::{mm, random, thread, time};

/// Largest hard limit of open files (Linux's `fs.nr_open`).
const MOST_FILES: u64 = crate::fs::table::MOST_FILES;
/// RLIMIT_NOFILE.
const OPEN_FILES: u32 = 7;

/// Names and versions.
pub fn sys_uname(call: &mut Call<'_>, buffer: UserPtr<Utsname>) -> Result<u64> {
    buffer.write(call.cx, &host::utsname())?;
    Ok(0)
}

fn read_host_name(call: &mut Call<'_>, name: UserAddr, bytes: i32) -> Result<([u8; host::NAME_BYTES], usize)> {
    if !call.may(Capability::Admin) {
        return Err(Errno::EPERM);
    }
    let bytes = usize::try_from(bytes).ok().filter(|bytes| *bytes <= host::NAME_BYTES).ok_or(Errno::EINVAL)?;
    let mut field = [0; host::NAME_BYTES];
    UserSlice::new(name, bytes).read(call.cx, &mut field[..bytes])?;
    Ok((field, bytes))
}

/// Sets the host's name.
pub fn sys_sethostname(call: &mut Call<'_>, name: UserAddr, bytes: i32) -> Result<u64> {
    let (field, bytes) = read_host_name(call, name, bytes)?;
    host::set_node_name(&field[..bytes]);
    Ok(0)
}

/// Sets the domain's name.
pub fn sys_setdomainname(call: &mut Call<'_>, name: UserAddr, bytes: i32) -> Result<u64> {
    let (field, bytes) = read_host_name(call, name, bytes)?;
    host::set_domain_name(&field[..bytes]);
    Ok(0)
}

/// Figures of the machine.
pub fn sys_sysinfo(call: &mut Call<'_>, result: UserPtr<Sysinfo>) -> Result<u64> {
    let memory = mm::counts();
    let (loads, _, _) = thread::load();
    let bytes = |frames: usize| (frames * PAGE_SIZE) as u64;
    let info = Sysinfo {
        // CAST: seconds, far below 2^63.
        uptime: time::now().0.div_ceil(1_000_000_000) as i64,
        loads,
        total_ram: bytes(memory.total),
        free_ram: bytes(memory.free),
        processes: u16::try_from(table::lock(call.cx).task_count()).unwrap_or(u16::MAX),
        unit: 1,
        ..Sysinfo::default()
    };
    result.write(call.cx, &info)?;
    Ok(0)
}

/// Random bytes. The generator is seeded before the first program, so nothing here waits.
pub fn sys_getrandom(call: &mut Call<'_>, buffer: UserAddr, bytes: usize, flags: Flags) -> Result<u64> {
    if flags.0 & !(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) != 0
        || flags.0 & (GRND_RANDOM | GRND_INSECURE) == (GRND_RANDOM | GRND_INSECURE)
    {
        return Err(Errno::EINVAL);
    }
    // CAST: a bound that fits.
    let mut rest = UserSlice::new(buffer, bytes.min(i32::MAX as usize));
    let total = rest.len();
    let mut chunk = [0; 256];
    while !rest.is_empty() {
        let piece = &mut chunk[..rest.len().min(256)];
        random::fill(piece);
        if let Err(error) = rest.write(call.cx, piece) {
            let done = total - rest.len();
            return if done == 0 { Err(error) } else { Ok(done as u64) };
        }
        rest = rest.skip(piece.len());
        if !rest.is_empty() && call.cx.is_notified() {
            break;
        }
    }
    Ok((total - rest.len()) as u64)
}

fn find(call: &Call<'_>, pid: i32) -> Result<Arc<Process>> {
    match pid {
        0 => Ok(call.process().clone()),
        pid => {
            let pid = Pid::try_from(pid).map_err(|_| Errno::ESRCH)?;
            let task = table::find_task(call.cx, pid).ok_or(Errno::ESRCH)?;
            let (own, other) = (call.who(), task.credentials(call.cx));
            let is_only = |id: u32, ids: Ids| [ids.real, ids.effective, ids.saved].iter().all(|known| *known == id);
            let is_same = is_only(own.uid.real, other.uid) && is_only(own.gid.real, other.gid);
            if !Arc::ptr_eq(task.process(), call.process()) && !is_same && !own.may(Capability::Resource) {
                return Err(Errno::EPERM);
            }
            Ok(task.process().clone())
        }
    }
}

/// Tells and sets a resource limit.
pub fn sys_prlimit64(
    call: &mut Call<'_>,
    pid: i32,
    resource: u32,
    new: UserPtr<Rlimit64>,
    old: UserPtr<Rlimit64>,
) -> Result<u64> {
    let new = match new.non_null() {
        Some(new) => Some(new.read(call.cx)?),
        None => None,
    };
    let process = find(call, pid)?;
    let was = process.limits().by_number(resource).ok_or(Errno::EINVAL)?;
    if let Some(new) = new {
        change_limit(call, &process, resource, new)?;
    }
    old.write_if_set(call.cx, &was)?;
    Ok(0)
}

fn change_limit(call: &Call<'_>, process: &Process, resource: u32, new: Rlimit64) -> Result<()> {
    if new.soft > new.hard {
        return Err(Errno::EINVAL);
    }
    let may_raise = call.may(Capability::Resource);
    process.change_limit(resource, |old| {
        if (new.hard > old.hard && !may_raise) || (resource == OPEN_FILES && new.hard > MOST_FILES) {
            return Err(Errno::EPERM);
        }
        Ok(new)
    })
}

/// Tells a resource limit.
pub fn sys_getrlimit(call: &mut Call<'_>, resource: u32, result: UserPtr<Rlimit64>) -> Result<u64> {
    let limit = call.process().limits().by_number(resource).ok_or(Errno::EINVAL)?;
    result.write(call.cx, &limit)?;
    Ok(0)
}

/// Sets a resource limit.
pub fn sys_setrlimit(call: &mut Call<'_>, resource: u32, value: UserPtr<Rlimit64>) -> Result<u64> {
    let value = value.read(call.cx)?;
    if resource as usize >= LIMITS {
        return Err(Errno::EINVAL);
    }
    let process = call.process().clone();
    change_limit(call, &process, resource, value)?;
    Ok(0)
}

/// How the programs executed from now on see the machine; answers how it was.
pub fn sys_personality(call: &mut Call<'_>, persona: Flags) -> Result<u64> {
    let was = call.task.personality();
    match persona.0 {
        // LINUX: all ones only asks.
        u32::MAX => {}
        new if new & !(ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC) == 0 => call.task.set_personality(new),
        _ => return Err(Errno::EINVAL),
    }
    Ok(u64::from(was))
}

/// Codes of arch_prctl.
const ARCH_SET_GS: u32 = 0x1001;
const ARCH_SET_FS: u32 = 0x1002;
const ARCH_GET_FS: u32 = 0x1003;
const ARCH_GET_GS: u32 = 0x1004;

/// FS and GS base (x86-64).
pub fn sys_arch_prctl(call: &mut Call<'_>, option: u32, address: u64) -> Result<u64> {
    // CAST: usize is 64 bits on both architectures.
    let place = UserPtr::<u64>::new(UserAddr(address as usize));
    let is_done = match option {
        ARCH_SET_FS => call.cx.set_tls(address),
        ARCH_SET_GS => call.cx.set_gs_base(address),
        ARCH_GET_FS => {
            let base = call.cx.tls();
            return place.write(call.cx, &base).map(|()| 0);
        }
        ARCH_GET_GS => {
            let base = call.cx.gs_base();
            return place.write(call.cx, &base).map(|()| 0);
        }
        _ => return Err(Errno::EINVAL),
    };
    if is_done { Ok(0) } else { Err(Errno::EPERM) }
}

/// Properties of the task and its process.
pub fn sys_prctl(call: &mut Call<'_>, option: u32, second: u64, third: u64, fourth: u64, fifth: u64) -> Result<u64> {
    // CAST: usize is 64 bits on both architectures.
    let addr = UserAddr(second as usize);
    let pid = call.process().pid();
    match option {
        PR_SET_NAME => {
            let mut name = [0; NAME_BYTES];
            read_name(call, addr, &mut name)?;
            let length = name.iter().position(|byte| *byte == 0).unwrap_or(NAME_BYTES - 1);
            call.task.set_name(call.cx, &name[..length]);
            crate::observe::renamed(call.cx, call.task);
        }
        PR_GET_NAME => {
            let mut name = [0; NAME_BYTES];
            let text = call.task.name(call.cx);
            name[..text.len()].copy_from_slice(&text);
            UserPtr::<[u8; NAME_BYTES]>::new(addr).write(call.cx, &name)?;
        }
        PR_SET_PDEATHSIG => {
            // CAST: judged below.
            let signal = second as i32;
            if signal != 0 && Signal::from_number(signal).is_none() {
                return Err(Errno::EINVAL);
            }
            if let Some(node) = table::lock(call.cx).node_mut(pid) {
                node.parent_death_signal = signal;
            }
        }
        PR_GET_PDEATHSIG => {
            let signal = table::lock(call.cx).node(pid).map_or(0, |node| node.parent_death_signal);
            UserPtr::<i32>::new(addr).write(call.cx, &signal)?;
        }
        PR_SET_CHILD_SUBREAPER => {
            if let Some(node) = table::lock(call.cx).node_mut(pid) {
                node.is_subreaper = second != 0;
            }
        }
        PR_GET_CHILD_SUBREAPER => {
            let is_subreaper = table::lock(call.cx).node(pid).is_some_and(|node| node.is_subreaper);
            UserPtr::<i32>::new(addr).write(call.cx, &i32::from(is_subreaper))?;
        }
        PR_SET_NO_NEW_PRIVS => {
            if (second, third, fourth, fifth) != (1, 0, 0, 0) {
                return Err(Errno::EINVAL);
            }
            call.task.set_no_new_privileges();
        }
        PR_GET_NO_NEW_PRIVS => return Ok(u64::from(call.task.has_no_new_privileges())),
        PR_GET_DUMPABLE => {
            return Ok(call.task.space(call.cx).map_or(0, |space| u64::from(space.is_dumpable())));
        }
        PR_SET_DUMPABLE if second <= 1 => {
            if let Some(space) = call.task.space(call.cx) {
                space.set_dumpable(second == 1);
            }
        }
        // LINUX: arguments that are not used must be zero.
        PR_SET_THP_DISABLE if third == 0 && fourth == 0 && fifth == 0 => {
            if let Some(space) = call.task.space(call.cx) {
                space.set_may_have_blocks(call.cx, second == 0);
            }
        }
        PR_GET_THP_DISABLE if second == 0 && third == 0 && fourth == 0 && fifth == 0 => {
            return Ok(call.task.space(call.cx).map_or(0, |space| u64::from(!space.may_have_blocks(call.cx))));
        }
        PR_GET_TIMERSLACK => return Ok(call.task.timer_slack_ns()),
        PR_SET_TIMERSLACK if second == 0 => call.task.reset_timer_slack(),
        PR_SET_TIMERSLACK => call.task.set_timer_slack_ns(second),
        _ => return capability::control(call, option, [second, third, fourth, fifth]),
    }
    Ok(0)
}

/// LINUX: reads at most fifteen bytes and a zero, not past the zero.
fn read_name(call: &mut Call<'_>, addr: UserAddr, name: &mut [u8; NAME_BYTES]) -> Result<()> {
    match UserCStr(addr).read(call.cx, NAME_BYTES, Errno::ENAMETOOLONG) {
        Ok(text) => name[..text.len()].copy_from_slice(&text),
        Err(Errno::ENAMETOOLONG) => {
            UserSlice::new(addr, NAME_BYTES - 1).read(call.cx, &mut name[..NAME_BYTES - 1])?;
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Reads the kernel's log.
pub fn sys_syslog(call: &mut Call<'_>, action: i32, buffer: UserAddr, bytes: i32) -> Result<u64> {
    const READ_ALL: i32 = 3;
    const SIZE_UNREAD: i32 = 9;
    const SIZE_BUFFER: i32 = 10;
    const RING_BYTES: u64 = 64 * 1024;
    // LINUX: who may read all of it and ask for its size is everybody (`kernel.dmesg_restrict` 0).
    let is_free = matches!(action, READ_ALL | SIZE_BUFFER);
    if !is_free && !call.may(Capability::Log) && !call.may(Capability::Admin) {
        return Err(Errno::EPERM);
    }
    match action {
        READ_ALL => {
            let length = usize::try_from(bytes).map_err(|_| Errno::EINVAL)?;
            copy_log(call, UserSlice::new(buffer, length))
        }
        SIZE_UNREAD => Ok(0),
        SIZE_BUFFER => Ok(RING_BYTES),
        // Opening, closing and console levels have no effect here.
        0 | 1 | 6 | 7 | 8 => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

fn copy_log(call: &mut Call<'_>, mut to: UserSlice) -> Result<u64> {
    let (mut position, mut total) = (0, 0);
    let mut chunk = [0; 512];
    while !to.is_empty() {
        let piece = &mut chunk[..to.len().min(512)];
        let (count, next) = machine::log::read(position, piece);
        if count == 0 {
            break;
        }
        to.write(call.cx, &piece[..count])?;
        to = to.skip(count);
        (position, total) = (next, total + count as u64);
    }
    Ok(total)
}

/// Hangs the controlling terminal up.
pub fn sys_vhangup(call: &mut Call<'_>) -> Result<u64> {
    if !call.may(Capability::TtyConfig) {
        return Err(Errno::EPERM);
    }
    tty::hang_up_own(call.cx);
    Ok(0)
}

/// Restart and power off are the tool's: a program may only switch Ctrl-Alt-Del.
pub fn sys_reboot(call: &mut Call<'_>, magic: u32, magic2: u32, command: u32, _argument: LongFlags) -> Result<u64> {
    const MAGIC: u32 = 0xfee1_dead;
    const MAGIC2: [u32; 4] = [672_274_793, 85_072_278, 369_367_448, 537_993_216];
    const CAD: [u32; 2] = [0, 0x89ab_cdef];
    if !call.may(Capability::Boot) {
        return Err(Errno::EPERM);
    }
    if magic != MAGIC || !MAGIC2.contains(&magic2) || !CAD.contains(&command) {
        return Err(Errno::EINVAL);
    }
    Ok(0)
}
