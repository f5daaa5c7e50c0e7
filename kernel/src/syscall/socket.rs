//! Calls that make, name, join and ask sockets. The objects: [`crate::net`].
use super::argument::{Fd, Flags};
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::net::{OPTION_BYTES, Socket, SocketKind};
use crate::task::Capability;
use crate::user_memory::{UserPtr, UserSlice};
use abi::linux::{O_CLOEXEC, O_NONBLOCK};
use abi::net::{AF_MAX, AF_UNIX, SOL_SOCKET};
use machine::addr::UserAddr;
use pure::unix_address::{self, UnixAddress};

/// Longest address that is copied (`sizeof(struct sockaddr_storage)`).
pub(super) const ADDRESS_BYTES: usize = 128;

/// An address as the program gave it.
pub(super) struct AddressBytes {
    bytes: [u8; ADDRESS_BYTES],
    length: usize,
}

impl AddressBytes {
    /// None at all.
    pub(super) const NONE: AddressBytes = AddressBytes { bytes: [0; ADDRESS_BYTES], length: 0 };

    /// Copies an address in: EINVAL if its length cannot be one.
    pub(super) fn read(call: &mut Call<'_>, addr: UserAddr, length: i32) -> Result<AddressBytes> {
        let length = usize::try_from(length).ok().filter(|&length| length <= ADDRESS_BYTES).ok_or(Errno::EINVAL)?;
        let mut address = AddressBytes { length, ..AddressBytes::NONE };
        if length > 0 {
            UserSlice::new(addr, length).read(call.cx, &mut address.bytes[..length])?;
        }
        Ok(address)
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// What it means to local sockets.
    pub(super) fn local(&self) -> Result<UnixAddress<'_>> {
        unix_address::parse(self.bytes()).map_err(|_| Errno::EINVAL)
    }

    /// Whether it is AF_UNSPEC: no address at all.
    fn is_unspecified(&self) -> bool {
        self.bytes().first_chunk().is_some_and(|family| u16::from_ne_bytes(*family) == 0)
    }
}

/// Copies a socket's name out as an address, cut to the room given, and its whole length.
pub(super) fn write_name(call: &mut Call<'_>, name: Option<&[u8]>, to: UserAddr, length: UserPtr<i32>) -> Result<()> {
    let room = usize::try_from(length.read(call.cx)?).map_err(|_| Errno::EINVAL)?;
    let mut address = [0; unix_address::MOST_BYTES + 1];
    let bytes = unix_address::render(name.unwrap_or(&[]), &mut address);
    UserSlice::new(to, room).write(call.cx, &address[..bytes.min(room)])?;
    // CAST: at most a hundred or so.
    length.write(call.cx, &(bytes as i32))
}

/// Status flags and close-on-exec from the flags of a socket type, which have the numbers of those of `open`.
fn split_flags(flags: u32) -> Result<(u32, bool)> {
    if flags & !(O_NONBLOCK | O_CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    Ok((flags & O_NONBLOCK, flags & O_CLOEXEC != 0))
}

/// Family, type and protocol, judged in Linux's order.
fn judge(family: i32, kind: Flags, protocol: i32) -> Result<(SocketKind, u32, bool)> {
    const TYPE_BITS: u32 = 0xf;
    const TYPES: u32 = 11;
    let (flags, closes_on_exec) = split_flags(kind.0 & !TYPE_BITS)?;
    let kind = kind.0 & TYPE_BITS;
    let family = u32::try_from(family).ok().filter(|&family| family < AF_MAX).ok_or(Errno::EAFNOSUPPORT)?;
    if kind >= TYPES {
        return Err(Errno::EINVAL);
    }
    if family != AF_UNIX {
        return Err(Errno::EAFNOSUPPORT);
    }
    // CAST: a small constant.
    if protocol != 0 && protocol != AF_UNIX as i32 {
        return Err(Errno::EPROTONOSUPPORT);
    }
    let kind = match kind {
        1 => SocketKind::Stream,
        // LINUX: raw local sockets are datagram sockets.
        2 | 3 => SocketKind::Datagram,
        5 => SocketKind::Packets,
        _ => return Err(Errno::ESOCKTNOSUPPORT),
    };
    Ok((kind, flags, closes_on_exec))
}

/// Makes a socket.
pub fn sys_socket(call: &mut Call<'_>, family: i32, kind: Flags, protocol: i32) -> Result<u64> {
    let (kind, flags, closes_on_exec) = judge(family, kind, protocol)?;
    let file = Socket::open(call.cx, kind, flags);
    call.install(file, closes_on_exec)
}

/// Makes two sockets that are connected to each other.
pub fn sys_socketpair(
    call: &mut Call<'_>,
    family: i32,
    kind: Flags,
    protocol: i32,
    fds: UserPtr<[i32; 2]>,
) -> Result<u64> {
    let (kind, flags, closes_on_exec) = judge(family, kind, protocol)?;
    let pair = Socket::open_pair(call.cx, kind, flags);
    let table = call.task.files(call.cx);
    let (first, second) = table.insert_pair(call.cx, pair, closes_on_exec, call.file_limit())?;
    if let Err(error) = fds.write(call.cx, &[first.0, second.0]) {
        table.close(call.cx, first)?;
        table.close(call.cx, second)?;
        return Err(error);
    }
    Ok(0)
}

/// Gives a socket a name.
pub fn sys_bind(call: &mut Call<'_>, fd: Fd, address: UserAddr, bytes: i32) -> Result<u64> {
    let file = call.file(fd)?;
    let socket = Socket::of(&file)?;
    let address = AddressBytes::read(call, address, bytes)?;
    socket.bind(call.cx, call.task, address.local()?)?;
    Ok(0)
}

/// Lets a socket wait for connections.
pub fn sys_listen(call: &mut Call<'_>, fd: Fd, backlog: i32) -> Result<u64> {
    let file = call.file(fd)?;
    Socket::of(&file)?.listen(call.cx, backlog)?;
    Ok(0)
}

/// Takes the next connection.
pub fn sys_accept(call: &mut Call<'_>, fd: Fd, address: UserAddr, bytes: UserPtr<i32>) -> Result<u64> {
    sys_accept4(call, fd, address, bytes, Flags(0))
}

/// Takes the next connection, with flags for the new descriptor.
pub fn sys_accept4(call: &mut Call<'_>, fd: Fd, address: UserAddr, bytes: UserPtr<i32>, flags: Flags) -> Result<u64> {
    let (flags, closes_on_exec) = split_flags(flags.0)?;
    let file = call.file(fd)?;
    let socket = Socket::of(&file)?;
    let number = call.reserve_fd()?;
    let (accepted, name) = socket.accept(call.cx, &file, flags)?;
    if !address.is_null() {
        write_name(call, name.as_deref(), address, bytes)?;
    }
    Ok(number.fill(accepted, closes_on_exec).into())
}

/// Connects a socket, or gives a datagram socket its standing destination.
pub fn sys_connect(call: &mut Call<'_>, fd: Fd, address: UserAddr, bytes: i32) -> Result<u64> {
    let file = call.file(fd)?;
    let socket = Socket::of(&file)?;
    let address = AddressBytes::read(call, address, bytes)?;
    let target = if address.is_unspecified() { None } else { Some(address.local()?) };
    if target == Some(UnixAddress::Autobind) {
        return Err(Errno::EINVAL);
    }
    socket.connect(call.cx, &file, call.task, target)?;
    Ok(0)
}

/// A socket's own name.
pub fn sys_getsockname(call: &mut Call<'_>, fd: Fd, address: UserAddr, bytes: UserPtr<i32>) -> Result<u64> {
    let file = call.file(fd)?;
    let name = Socket::of(&file)?.own_name();
    write_name(call, name.as_deref(), address, bytes)?;
    Ok(0)
}

/// The name of the socket at the other end.
pub fn sys_getpeername(call: &mut Call<'_>, fd: Fd, address: UserAddr, bytes: UserPtr<i32>) -> Result<u64> {
    let file = call.file(fd)?;
    let name = Socket::of(&file)?.peer_name()?;
    write_name(call, name.as_deref(), address, bytes)?;
    Ok(0)
}

/// Ends one or both directions.
pub fn sys_shutdown(call: &mut Call<'_>, fd: Fd, how: i32) -> Result<u64> {
    let file = call.file(fd)?;
    Socket::of(&file)?.shut_down(call.cx, how)?;
    Ok(0)
}

/// Tells an option's value, cut to the room given.
pub fn sys_getsockopt(
    call: &mut Call<'_>,
    fd: Fd,
    level: i32,
    option: u32,
    value: UserAddr,
    bytes: UserPtr<i32>,
) -> Result<u64> {
    let file = call.file(fd)?;
    let socket = Socket::of(&file)?;
    check_level(level)?;
    let room = usize::try_from(bytes.read(call.cx)?).map_err(|_| Errno::EINVAL)?;
    let found = socket.option(option)?;
    let found = &found.bytes()[..found.bytes().len().min(room)];
    UserSlice::new(value, room).write(call.cx, found)?;
    // CAST: a few bytes.
    bytes.write(call.cx, &(found.len() as i32))?;
    Ok(0)
}

/// Sets an option.
pub fn sys_setsockopt(
    call: &mut Call<'_>,
    fd: Fd,
    level: i32,
    option: u32,
    value: UserAddr,
    bytes: i32,
) -> Result<u64> {
    let file = call.file(fd)?;
    let socket = Socket::of(&file)?;
    let length = usize::try_from(bytes).map_err(|_| Errno::EINVAL)?.min(OPTION_BYTES);
    check_level(level)?;
    let mut given = [0; OPTION_BYTES];
    UserSlice::new(value, length).read(call.cx, &mut given[..length])?;
    socket.set_option(option, &given[..length], call.may(Capability::NetAdmin))?;
    Ok(0)
}

fn check_level(level: i32) -> Result<()> {
    // CAST: a small constant. LINUX: local sockets have no options of their own.
    if level == SOL_SOCKET as i32 { Ok(()) } else { Err(Errno::EOPNOTSUPP) }
}
