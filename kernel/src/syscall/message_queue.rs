//! Calls on System V message queues. The objects: [`crate::ipc::message`].
use super::argument::Flags;
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::ipc::message::{self, MOST_MESSAGE, MOST_QUEUE, MOST_QUEUES, Message, QUEUES, Queue, Wanted};
use crate::ipc::object::{Object, READ, WRITE};
use crate::task::Capability;
use crate::user_memory::{UserPtr, UserSlice};
use abi::ipc::{
    IPC_INFO, IPC_NOWAIT, IPC_RMID, IPC_SET, IPC_STAT, MSG_COPY, MSG_EXCEPT, MSG_INFO, MSG_STAT, MSG_STAT_ANY, Msginfo,
    MsqidDs,
};
use machine::addr::UserAddr;

/// Bytes of a message's type, before its text.
const TYPE_BYTES: usize = 8;

/// Finds or makes a queue.
pub fn sys_msgget(call: &mut Call<'_>, key: i32, flags: Flags) -> Result<u64> {
    // CAST: identifiers are not negative.
    Ok(QUEUES.get(&call.who(), key, flags.0, || Ok(Queue::new()), |_| Ok(()))? as u64)
}

/// Sends a message.
pub fn sys_msgsnd(call: &mut Call<'_>, id: i32, message: UserAddr, bytes: usize, flags: Flags) -> Result<u64> {
    if bytes > MOST_MESSAGE || id < 0 {
        return Err(Errno::EINVAL);
    }
    let kind = UserPtr::<i64>::new(message).read(call.cx)?;
    if kind < 1 {
        return Err(Errno::EINVAL);
    }
    let data = UserSlice::new(message, TYPE_BYTES + bytes).skip(TYPE_BYTES).read_vec(call.cx)?;
    let queue = QUEUES.find(id)?;
    queue.check(&call.who(), WRITE)?;
    let pid = call.process().pid();
    message::send(call.cx, &queue, Message { kind, data }, pid, flags.0 & IPC_NOWAIT == 0)?;
    Ok(0)
}

/// Receives a message.
pub fn sys_msgrcv(
    call: &mut Call<'_>,
    id: i32,
    message: UserAddr,
    bytes: usize,
    kind: i64,
    flags: Flags,
) -> Result<u64> {
    if i64::try_from(bytes).is_err() || id < 0 {
        return Err(Errno::EINVAL);
    }
    if flags.0 & MSG_COPY != 0 {
        // As a Linux built without checkpoints.
        let is_sound = flags.0 & (MSG_EXCEPT | IPC_NOWAIT) == IPC_NOWAIT;
        return Err(if is_sound { Errno::ENOSYS } else { Errno::EINVAL });
    }
    let queue = QUEUES.find(id)?;
    queue.check(&call.who(), READ)?;
    let pid = call.process().pid();
    let wanted = Wanted { kind, flags: flags.0, room: bytes };
    let received = message::receive(call.cx, &queue, wanted, pid, flags.0 & IPC_NOWAIT == 0)?;
    let part = &received.data[..received.data.len().min(bytes)];
    UserPtr::<i64>::new(message).write(call.cx, &received.kind)?;
    UserSlice::new(message, TYPE_BYTES + part.len()).skip(TYPE_BYTES).write(call.cx, part)?;
    Ok(part.len() as u64)
}

fn stat(queue: &Object<Queue>) -> MsqidDs {
    let figures = queue.body.figures();
    MsqidDs {
        perm: queue.told_permissions(),
        send_time: figures.send_time,
        receive_time: figures.receive_time,
        change_time: figures.change_time,
        bytes: figures.bytes as u64,
        messages: figures.messages as u64,
        most_bytes: figures.most_bytes as u64,
        // CAST: process numbers are small.
        last_sender: figures.last_sender as i32,
        last_receiver: figures.last_receiver as i32,
        ..MsqidDs::default()
    }
}

/// Everything else about queues.
pub fn sys_msgctl(call: &mut Call<'_>, id: i32, command: i32, place: UserPtr<MsqidDs>) -> Result<u64> {
    if id < 0 {
        return Err(Errno::EINVAL);
    }
    let who = call.who();
    match command {
        IPC_INFO | MSG_INFO => return info(call, command == MSG_INFO, UserPtr::new(place.addr())),
        MSG_STAT | MSG_STAT_ANY => {
            let queue = QUEUES.at(id)?;
            if command == MSG_STAT {
                queue.check(&who, READ)?;
            }
            place.write(call.cx, &stat(&queue))?;
            // CAST: identifiers are not negative.
            return Ok(queue.id as u64);
        }
        _ => {}
    }
    let queue = QUEUES.find(id)?;
    match command {
        IPC_STAT => {
            queue.check(&who, READ)?;
            place.write(call.cx, &stat(&queue))?;
        }
        IPC_SET => {
            let new = place.read(call.cx)?;
            queue.check_owner(&who)?;
            let most = usize::try_from(new.most_bytes).map_err(|_| Errno::EINVAL)?;
            if most > MOST_QUEUE && !who.may(Capability::Resource) {
                return Err(Errno::EPERM);
            }
            queue.set_permissions(&new.perm);
            queue.body.set_most_bytes(most);
        }
        IPC_RMID => {
            queue.check_owner(&who)?;
            QUEUES.mark_removed(&queue);
            QUEUES.forget(&queue);
            queue.body.wake_all();
        }
        _ => return Err(Errno::EINVAL),
    }
    Ok(0)
}

fn info(call: &mut Call<'_>, is_use: bool, place: UserPtr<Msginfo>) -> Result<u64> {
    let (highest, queues) = QUEUES.extent();
    let (mut next, mut messages, mut bytes) = (0, 0, 0);
    while let Some((place, queue)) = QUEUES.next(next) {
        next = place;
        let figures = queue.body.figures();
        messages += figures.messages;
        bytes += figures.bytes;
    }
    // CAST: the limits and what is below them fit.
    let most_queues = MOST_QUEUES as i32;
    let most_queue = MOST_QUEUE as i32;
    let told = Msginfo {
        pool: if is_use { queues as i32 } else { most_queues.wrapping_mul(most_queue) / 1024 },
        map: if is_use { messages as i32 } else { most_queue },
        most_message: MOST_MESSAGE as i32,
        most_queue,
        most_queues,
        segment_bytes: 16,
        headers: if is_use { bytes as i32 } else { most_queue },
        segments: 0xffff,
        padding: 0,
    };
    place.write(call.cx, &told)?;
    Ok(highest as u64)
}
