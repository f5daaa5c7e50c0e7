//! Calls on POSIX message queues. The objects: [`crate::ipc::posix_queue`]. The C library takes the slash off the names.
use super::argument::{Fd, Flags, Mode};
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::fs::{OpenFile, permission};
use crate::ipc::posix_queue::{self, PRIORITIES, PosixQueue, Registration};
use crate::signal::Signal;
use crate::task::limits::Resource;
use crate::user_memory::{UserCStr, UserPtr, UserSlice};
use abi::ipc::MqAttr;
use abi::linux::{
    O_ACCMODE, O_CREAT, O_EXCL, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY, SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD,
};
use abi::{Sigevent, Timespec};
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::addr::UserAddr;
use machine::time::{self, Instant};

/// Most bytes of a name.
const MOST_NAME: usize = 255;
/// Bytes that the C library lets a notification carry to its thread.
const COOKIE_BYTES: usize = 32;

/// A name as it stands in the flat list.
fn read_name(call: &mut Call<'_>, name: UserCStr) -> Result<Vec<u8>> {
    let name = name.read_path(call.cx)?;
    match &name[..] {
        [] => Err(Errno::ENOENT),
        b"." | b".." => Err(Errno::EACCES),
        name if name.contains(&b'/') => Err(Errno::EACCES),
        name if name.len() > MOST_NAME => Err(Errno::ENAMETOOLONG),
        _ => Ok(name),
    }
}

/// Opens a queue, or makes it.
pub fn sys_mq_open(
    call: &mut Call<'_>,
    name: UserCStr,
    flags: Flags,
    mode: Mode,
    attributes: UserPtr<MqAttr>,
) -> Result<u64> {
    let asked = match attributes.non_null() {
        Some(attributes) => {
            let asked = attributes.read(call.cx)?;
            Some((asked.most_messages, asked.most_bytes))
        }
        None => None,
    };
    let name = read_name(call, name)?;
    let flags = flags.0;
    let who = call.who();
    let queue = match posix_queue::find(&name) {
        Some(known) => open_known(call, known, flags)?,
        None if flags & O_CREAT == 0 => return Err(Errno::ENOENT),
        None => {
            let permissions = mode.0 & 0o777 & !call.task.fs(call.cx).umask();
            let limit = call.process().limit(Resource::MessageQueueBytes);
            let new = PosixQueue::new(call.cx, &who, permissions, asked, limit)?;
            let found = posix_queue::insert(&who, &name, &new)?;
            // Somebody else may have been quicker. Who makes a queue may use it, whatever its permissions.
            if Arc::ptr_eq(&found, &new) { new } else { open_known(call, found, flags)? }
        }
    };
    let file = queue.open(&name, flags & (O_ACCMODE | O_NONBLOCK))?;
    call.install(file, true)
}

fn open_known(call: &Call<'_>, known: Arc<PosixQueue>, flags: u32) -> Result<Arc<PosixQueue>> {
    if flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL {
        return Err(Errno::EEXIST);
    }
    let wanted = match flags & O_ACCMODE {
        O_RDONLY => permission::READ,
        O_WRONLY => permission::WRITE,
        O_RDWR => permission::READ | permission::WRITE,
        _ => return Err(Errno::EINVAL),
    };
    known.check(call.cx, &call.who(), wanted)?;
    Ok(known)
}

/// Takes a queue's name away.
pub fn sys_mq_unlink(call: &mut Call<'_>, name: UserCStr) -> Result<u64> {
    let name = read_name(call, name)?;
    posix_queue::unlink(call.cx, &call.who(), &name)?;
    Ok(0)
}

/// The queue of a description. EBADF if it is something else.
fn queue_of(open: &OpenFile) -> Result<&PosixQueue> {
    open.file().as_any().downcast_ref().ok_or(Errno::EBADF)
}

/// A time of the wall clock.
fn read_deadline(call: &mut Call<'_>, timeout: UserPtr<Timespec>) -> Result<Option<Instant>> {
    let Some(timeout) = timeout.non_null() else { return Ok(None) };
    let ns = timeout.read(call.cx)?.to_ns().ok_or(Errno::EINVAL)?;
    Ok(Some(Instant(ns.saturating_sub(time::wall_clock_offset()))))
}

/// Sends a message.
pub fn sys_mq_timedsend(
    call: &mut Call<'_>,
    fd: Fd,
    message: UserAddr,
    bytes: usize,
    priority: u32,
    timeout: UserPtr<Timespec>,
) -> Result<u64> {
    let deadline = read_deadline(call, timeout)?;
    if priority >= PRIORITIES {
        return Err(Errno::EINVAL);
    }
    let open = call.file(fd)?;
    let queue = queue_of(&open)?;
    open.check_writable()?;
    if bytes > queue.figures().most_bytes {
        return Err(Errno::EMSGSIZE);
    }
    let data = UserSlice::new(message, bytes).read_vec(call.cx)?;
    let sender = (call.process().pid(), call.who().uid.real);
    queue.send(call.cx, (priority, data), sender, !open.is_non_blocking(), deadline)?;
    Ok(0)
}

/// Receives the first message.
pub fn sys_mq_timedreceive(
    call: &mut Call<'_>,
    fd: Fd,
    message: UserAddr,
    bytes: usize,
    priority: UserPtr<u32>,
    timeout: UserPtr<Timespec>,
) -> Result<u64> {
    let deadline = read_deadline(call, timeout)?;
    let open = call.file(fd)?;
    let queue = queue_of(&open)?;
    open.check_readable()?;
    if bytes < queue.figures().most_bytes {
        return Err(Errno::EMSGSIZE);
    }
    let (received_priority, data) = queue.receive(call.cx, !open.is_non_blocking(), deadline)?;
    // LINUX: a message that cannot be copied out is lost.
    priority.write_if_set(call.cx, &received_priority)?;
    UserSlice::new(message, data.len()).write(call.cx, &data)?;
    Ok(data.len() as u64)
}

/// Registers for a signal when a message comes to the empty queue.
pub fn sys_mq_notify(call: &mut Call<'_>, fd: Fd, event: UserPtr<Sigevent>) -> Result<u64> {
    let event = match event.non_null() {
        Some(event) => Some(event.read(call.cx)?),
        None => None,
    };
    if let Some(event) = &event {
        judge_event(call, event)?;
    }
    let open = call.file(fd)?;
    let queue = queue_of(&open)?;
    let pid = call.process().pid();
    match event {
        None => queue.unregister(pid),
        Some(Sigevent { value, signal, notify, .. }) => {
            let is_signal = notify.unsigned_abs() == SIGEV_SIGNAL;
            queue.register(Registration {
                pid,
                table: call.task.files(call.cx).id(),
                how: notify,
                signal: if is_signal { Signal::from_number(signal) } else { None },
                value,
            })?;
        }
    }
    Ok(0)
}

/// EINVAL for events that there are not.
fn judge_event(call: &mut Call<'_>, event: &Sigevent) -> Result<()> {
    match u32::try_from(event.notify) {
        Ok(SIGEV_NONE) => Ok(()),
        // LINUX: signal 0 registers, and nothing is sent.
        Ok(SIGEV_SIGNAL) if event.signal == 0 || Signal::from_number(event.signal).is_some() => Ok(()),
        // The C library's thread waits at a netlink socket, of which there are none here.
        Ok(SIGEV_THREAD) => {
            // CAST: addresses have 64 bits.
            UserSlice::new(UserAddr(event.value as usize), COOKIE_BYTES).read_vec(call.cx)?;
            let open = call.file(Fd(event.signal))?;
            let is_socket = open.file().as_any().is::<crate::net::Socket>();
            Err(if is_socket { Errno::EINVAL } else { Errno::ENOTSOCK })
        }
        _ => Err(Errno::EINVAL),
    }
}

/// Tells a queue's figures, and changes whether its description waits.
pub fn sys_mq_getsetattr(call: &mut Call<'_>, fd: Fd, new: UserPtr<MqAttr>, old: UserPtr<MqAttr>) -> Result<u64> {
    let new = match new.non_null() {
        Some(new) => Some(new.read(call.cx)?),
        None => None,
    };
    // CAST: the flag is positive and small.
    if new.is_some_and(|new| new.flags & !(O_NONBLOCK as i64) != 0) {
        return Err(Errno::EINVAL);
    }
    let open = call.file(fd)?;
    let figures = queue_of(&open)?.figures();
    // CAST: the hard limits are small.
    let was = MqAttr {
        flags: i64::from(open.flags() & O_NONBLOCK),
        most_messages: figures.most_messages as i64,
        most_bytes: figures.most_bytes as i64,
        messages: figures.messages as i64,
        reserved: [0; 4],
    };
    if let Some(new) = new {
        open.set_non_blocking(new.flags != 0);
    }
    old.write_if_set(call.cx, &was)?;
    Ok(0)
}
