//! Calls that send and receive messages through sockets. What goes along with the bytes (names, descriptors, credentials)
//! is taken apart and put together in [`super::ancillary`].
use super::ancillary::{read_control, write_control};
use super::argument::{Fd, Flags};
use super::call::Call;
use super::socket::{AddressBytes, write_name};
use crate::errno::{Errno, Result};
use crate::fs::{OpenFile, Sink, Source};
use crate::net::{Outgoing, Received, Socket, SocketKind};
use crate::user_memory::{TRANSFER_BYTES, UserPtr, UserSlice, read_iovecs};
use abi::net::MSG_DONTWAIT;
use abi::{Mmsghdr, Msghdr, Timespec};
use core::mem::offset_of;
use machine::addr::UserAddr;
use machine::time::now;
use pure::unix_address::{UnixAddress, render};

/// Only the first message is waited for (`recvmmsg`). The headers for user space leave it out.
const MSG_WAITFORONE: u32 = 0x10000;
/// Most messages that one call moves (UIO_MAXIOV).
const MOST_MESSAGES: u32 = 1024;

/// Where a message goes, if its address says anything.
fn destination<'a>(socket: &Socket, address: &'a AddressBytes) -> Result<Option<UnixAddress<'a>>> {
    if address.bytes().is_empty() {
        return Ok(None);
    }
    match socket.kind() {
        SocketKind::Datagram => address.local().map(Some),
        // LINUX: connected kinds do not look what the address says.
        _ => Ok(Some(UnixAddress::Autobind)),
    }
}

/// Sends `segments`; answers the bytes sent.
fn send(
    call: &mut Call<'_>,
    file: &OpenFile,
    segments: &[UserSlice],
    address: &AddressBytes,
    mut outgoing: Outgoing<'_>,
) -> Result<u64> {
    let socket = Socket::of(file)?;
    let destination = destination(socket, address)?;
    let outgoing = Outgoing {
        destination,
        rights: outgoing.rights.take(),
        credentials: outgoing.credentials,
        flags: outgoing.flags,
    };
    let mut source = Source::user(segments);
    let wanted = source.left();
    let outcome = socket.send(call.cx, file.is_non_blocking(), &mut source, outgoing);
    let sent = wanted - source.left();
    match outcome {
        Err(error) if sent == 0 => Err(error),
        _ => Ok(sent as u64),
    }
}

/// Sends bytes.
pub fn sys_sendto(
    call: &mut Call<'_>,
    fd: Fd,
    data: UserAddr,
    bytes: usize,
    flags: Flags,
    address: UserAddr,
    address_bytes: i32,
) -> Result<u64> {
    UserSlice::new(data, bytes).check()?;
    let file = call.file(fd)?;
    Socket::of(&file)?;
    let address =
        if address.is_null() { AddressBytes::NONE } else { AddressBytes::read(call, address, address_bytes)? };
    let segment = UserSlice::new(data, bytes.min(TRANSFER_BYTES));
    send(call, &file, &[segment], &address, Outgoing { flags: flags.0, ..Outgoing::default() })
}

/// Receives bytes.
pub fn sys_recvfrom(
    call: &mut Call<'_>,
    fd: Fd,
    data: UserAddr,
    bytes: usize,
    flags: Flags,
    address: UserAddr,
    address_bytes: UserPtr<i32>,
) -> Result<u64> {
    UserSlice::new(data, bytes).check()?;
    let file = call.file(fd)?;
    let socket = Socket::of(&file)?;
    let segments = [UserSlice::new(data, bytes.min(TRANSFER_BYTES))];
    let received = socket.receive(call.cx, file.is_non_blocking(), &mut Sink::user(&segments), flags.0)?;
    if !address.is_null() {
        match &received.sender {
            Some(name) => write_name(call, Some(name), address, address_bytes)?,
            // LINUX: a sender without a name has no address at all, not even a family.
            None => address_bytes.write(call.cx, &0)?,
        }
    }
    Ok(received.bytes as u64)
}

fn segments_of(call: &mut Call<'_>, header: &Msghdr) -> Result<alloc::vec::Vec<UserSlice>> {
    const MOST: u64 = crate::user_memory::IOVEC_COUNT as u64;
    if header.iovec_count > MOST {
        return Err(Errno::EMSGSIZE);
    }
    // CAST: usize is 64 bits on both architectures.
    read_iovecs(call.cx, UserAddr(header.iovecs as usize), header.iovec_count as usize)
}

fn send_message(call: &mut Call<'_>, file: &OpenFile, message: UserPtr<Msghdr>, flags: u32) -> Result<u64> {
    let header = message.read(call.cx)?;
    // CAST: usize is 64 bits on both architectures.
    let name = UserAddr(header.name as usize);
    if header.name_bytes < 0 {
        return Err(Errno::EINVAL);
    }
    // LINUX: a longer address is cut.
    let length = header.name_bytes.min(super::socket::ADDRESS_BYTES as i32);
    let address = if name.is_null() { AddressBytes::NONE } else { AddressBytes::read(call, name, length)? };
    let segments = segments_of(call, &header)?;
    let (rights, credentials) = read_control(call, &header)?;
    send(call, file, &segments, &address, Outgoing { destination: None, rights, credentials, flags })
}

fn receive_message(call: &mut Call<'_>, file: &OpenFile, message: UserPtr<Msghdr>, flags: u32) -> Result<u64> {
    let socket = Socket::of(file)?;
    let header = message.read(call.cx)?;
    if header.name_bytes < 0 {
        return Err(Errno::EINVAL);
    }
    let segments = segments_of(call, &header)?;
    let mut received = socket.receive(call.cx, file.is_non_blocking(), &mut Sink::user(&segments), flags)?;
    let mut answer = header;
    write_control(call, &mut answer, &mut received, flags)?;
    if header.name != 0 {
        answer.name_bytes = write_sender(call, &header, &received)?;
    }
    // Only the fields that are results are written back.
    let at = |field: usize| message.addr().checked_add(field).ok_or(Errno::EFAULT);
    if header.name != 0 {
        UserPtr::<i32>::new(at(offset_of!(Msghdr, name_bytes))?).write(call.cx, &answer.name_bytes)?;
    }
    UserPtr::<u32>::new(at(offset_of!(Msghdr, flags))?).write(call.cx, &answer.flags)?;
    UserPtr::<u64>::new(at(offset_of!(Msghdr, control_bytes))?).write(call.cx, &answer.control_bytes)?;
    Ok(received.bytes as u64)
}

/// Copies the sender's address out, cut to the room given; answers its whole length.
fn write_sender(call: &mut Call<'_>, header: &Msghdr, received: &Received) -> Result<i32> {
    let Some(name) = &received.sender else { return Ok(0) };
    let mut address = [0; pure::unix_address::MOST_BYTES + 1];
    let bytes = render(name, &mut address);
    // CAST: checked not to be negative; usize is 64 bits on both architectures.
    let room = header.name_bytes as usize;
    UserSlice::new(UserAddr(header.name as usize), room).write(call.cx, &address[..bytes.min(room)])?;
    // CAST: at most a hundred or so.
    Ok(bytes as i32)
}

/// Sends a message with what goes along with it.
pub fn sys_sendmsg(call: &mut Call<'_>, fd: Fd, message: UserAddr, flags: Flags) -> Result<u64> {
    let file = call.file(fd)?;
    Socket::of(&file)?;
    send_message(call, &file, UserPtr::new(message), flags.0)
}

/// Receives a message with what came along with it.
pub fn sys_recvmsg(call: &mut Call<'_>, fd: Fd, message: UserAddr, flags: Flags) -> Result<u64> {
    let file = call.file(fd)?;
    Socket::of(&file)?;
    receive_message(call, &file, UserPtr::new(message), flags.0)
}

/// The header within one of several messages, and where its count of bytes goes.
fn slot(messages: UserAddr, index: u32) -> Result<(UserPtr<Msghdr>, UserPtr<u32>)> {
    let one = UserPtr::<Mmsghdr>::new(messages).at(index as usize)?.addr();
    let bytes = one.checked_add(offset_of!(Mmsghdr, bytes)).ok_or(Errno::EFAULT)?;
    Ok((UserPtr::new(one), UserPtr::new(bytes)))
}

/// Sends several messages; an error after the first one ends it with what was sent.
pub fn sys_sendmmsg(call: &mut Call<'_>, fd: Fd, messages: UserAddr, count: u32, flags: Flags) -> Result<u64> {
    let file = call.file(fd)?;
    Socket::of(&file)?;
    let mut done = 0;
    while done < count.min(MOST_MESSAGES) {
        let outcome = slot(messages, done).and_then(|(header, bytes)| {
            let sent = send_message(call, &file, header, flags.0)?;
            // CAST: bounded by what one call transfers.
            bytes.write(call.cx, &(sent as u32))
        });
        match outcome {
            Ok(()) => done += 1,
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(done.into())
}

/// Receives several messages; an error after the first one ends it with what was received.
pub fn sys_recvmmsg(
    call: &mut Call<'_>,
    fd: Fd,
    messages: UserAddr,
    count: u32,
    flags: Flags,
    timeout: UserAddr,
) -> Result<u64> {
    let timeout = UserPtr::<Timespec>::new(timeout);
    let deadline = match timeout.non_null() {
        None => None,
        Some(timeout) => Some(now().after(timeout.read(call.cx)?.to_ns().ok_or(Errno::EINVAL)?)),
    };
    let file = call.file(fd)?;
    Socket::of(&file)?;
    let mut flags = flags.0;
    let mut done = 0;
    while done < count.min(MOST_MESSAGES) {
        let outcome = slot(messages, done).and_then(|(header, bytes)| {
            let received = receive_message(call, &file, header, flags & !MSG_WAITFORONE)?;
            // CAST: bounded by what one call transfers.
            bytes.write(call.cx, &(received as u32))
        });
        match outcome {
            Ok(()) => done += 1,
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
        if flags & MSG_WAITFORONE != 0 {
            flags |= MSG_DONTWAIT;
        }
        // LINUX: the timeout is looked at only between messages.
        if deadline.is_some_and(|deadline| deadline <= now()) {
            break;
        }
    }
    Ok(done.into())
}
