//! What travels beside the bytes of a message: open descriptions (SCM_RIGHTS) and credentials (SCM_CREDENTIALS).
//!
//! [`read_control`] takes apart what `sendmsg` is given, [`write_control`] puts together what `recvmsg` answers. The form of
//! control messages is `pure::control_message`.
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::net::Received;
use crate::net::rights::{MOST_IN_MESSAGE, Rights};
use crate::syscall::Fd;
use crate::task::Capability;
use crate::task::credentials::Ids;
use crate::user_memory::UserSlice;
use abi::net::{MSG_CMSG_CLOEXEC, MSG_CTRUNC, SCM_CREDENTIALS, SCM_RIGHTS, SOL_SOCKET};
use abi::{Cmsghdr, Msghdr, Ucred};
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::addr::UserAddr;
use pure::control_message::{ControlMessages, HEADER_BYTES, space};
use zerocopy::{FromBytes, IntoBytes};

/// Most bytes of control messages in one call (Linux's `net.core.optmem_max`).
const MOST_BYTES: u64 = 131_072;

/// Takes apart what is sent along.
pub(super) fn read_control(call: &mut Call<'_>, header: &Msghdr) -> Result<(Option<Rights>, Option<Ucred>)> {
    if header.control_bytes > MOST_BYTES {
        return Err(Errno::ENOBUFS);
    }
    if header.control == 0 || header.control_bytes == 0 {
        return Ok((None, None));
    }
    // CAST: usize is 64 bits on both architectures.
    let control = UserSlice::new(UserAddr(header.control as usize), header.control_bytes as usize);
    let control = control.read_vec(call.cx)?;
    let mut files = Vec::new();
    let mut credentials = None;
    for message in ControlMessages::new(&control) {
        let message = message.map_err(|_| Errno::EINVAL)?;
        // CAST: small constants, as all of the kinds below.
        if message.level != SOL_SOCKET as i32 {
            continue;
        }
        if message.kind == SCM_RIGHTS as i32 {
            let numbers = message.data.chunks_exact(size_of::<i32>());
            if files.len() + numbers.len() > MOST_IN_MESSAGE {
                return Err(Errno::EINVAL);
            }
            files.try_reserve(numbers.len())?;
            for number in numbers {
                let number = i32::read_from_bytes(number).map_err(|_| Errno::EINVAL)?;
                files.push(call.any_file(Fd(number))?);
            }
        } else if message.kind == SCM_CREDENTIALS as i32 {
            let given = Ucred::read_from_bytes(message.data).map_err(|_| Errno::EINVAL)?;
            check_credentials(call, &given)?;
            credentials = Some(given);
        } else {
            return Err(Errno::EINVAL);
        }
    }
    let rights = if files.is_empty() { None } else { Some(Rights::new(files)?) };
    Ok((rights, credentials))
}

/// EPERM unless the caller may say that it is `given`.
fn check_credentials(call: &Call<'_>, given: &Ucred) -> Result<()> {
    let who = call.who();
    let is_one_of = |id: u32, ids: Ids| [ids.real, ids.effective, ids.saved].contains(&id);
    let is_own_pid = u32::try_from(given.pid).is_ok_and(|pid| pid == call.process().pid());
    let may_say = (is_own_pid || who.may(Capability::Admin))
        && (is_one_of(given.uid, who.uid) || who.may(Capability::SetUid))
        && (is_one_of(given.gid, who.gid) || who.may(Capability::SetGid));
    if may_say { Ok(()) } else { Err(Errno::EPERM) }
}

/// Room for control messages in user memory.
struct Room {
    rest: UserSlice,
    used: u64,
}

impl Room {
    /// Writes one message; false if it had to be cut.
    fn put(&mut self, call: &mut Call<'_>, kind: u32, data: &[u8]) -> Result<bool> {
        if self.rest.len() < HEADER_BYTES {
            return Ok(false);
        }
        let part = data.len().min(self.rest.len() - HEADER_BYTES);
        // CAST: small constants.
        let header = Cmsghdr { bytes: (HEADER_BYTES + part) as u64, level: SOL_SOCKET as i32, kind: kind as i32 };
        self.rest.write(call.cx, header.as_bytes())?;
        self.rest.skip(HEADER_BYTES).write(call.cx, &data[..part])?;
        let taken = space(part).min(self.rest.len());
        self.rest = self.rest.skip(taken);
        self.used += taken as u64;
        Ok(part == data.len())
    }
}

/// Puts together what came along, and sets length and flags of `answer`. Descriptions that find no room are let go of.
pub(super) fn write_control(
    call: &mut Call<'_>,
    answer: &mut Msghdr,
    received: &mut Received,
    flags: u32,
) -> Result<()> {
    answer.flags = received.flags | flags & MSG_CMSG_CLOEXEC;
    // CAST: usize is 64 bits on both architectures.
    let bytes = if answer.control == 0 { 0 } else { answer.control_bytes as usize };
    let mut room = Room { rest: UserSlice::new(UserAddr(answer.control as usize), bytes), used: 0 };
    let mut is_whole = true;
    if let Some(credentials) = received.credentials {
        is_whole &= room.put(call, SCM_CREDENTIALS, credentials.as_bytes())?;
    }
    if let Some(rights) = received.rights.take() {
        is_whole &= install(call, &mut room, &rights, flags & MSG_CMSG_CLOEXEC != 0)?;
    }
    if !is_whole {
        answer.flags |= MSG_CTRUNC;
    }
    answer.control_bytes = room.used;
    Ok(())
}

/// Gives descriptions numbers, as many as there is room for; false if that was not for all.
fn install(call: &mut Call<'_>, room: &mut Room, rights: &Rights, closes_on_exec: bool) -> Result<bool> {
    let most = room.rest.len().saturating_sub(HEADER_BYTES) / size_of::<i32>();
    let mut numbers = [0i32; MOST_IN_MESSAGE];
    let mut count = 0;
    for (file, number) in rights.files().iter().zip(&mut numbers).take(most) {
        match call.install(Arc::clone(file), closes_on_exec) {
            // CAST: descriptors are small.
            Ok(fd) => *number = fd as i32,
            Err(_) => break,
        }
        count += 1;
    }
    if count > 0
        && let Err(error) = room.put(call, SCM_RIGHTS, numbers[..count].as_bytes())
    {
        let table = call.task.files(call.cx);
        for &number in &numbers[..count] {
            // Another thread may have closed it already.
            let _ = table.close(call.cx, Fd(number));
        }
        return Err(error);
    }
    Ok(count == rights.files().len())
}
