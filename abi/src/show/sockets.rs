//! Socket addresses, messages, control messages, options.
use super::line::Line;
use super::names;
use super::scalar::{self, address, bits, one};
use super::structures::{array, iovecs};
use super::text;
use super::{Memory, read};
use crate::{Cmsghdr, Msghdr, Ucred};

/// Longest socket address.
const ADDRESS_BYTES: u64 = 128;
/// Most bytes of control messages that are looked at.
const CONTROL_BYTES: u64 = 4096;

/// A socket address of `length` bytes.
pub(super) fn sockaddr(line: &mut Line, memory: &mut dyn Memory, place: u64, length: u64) {
    let mut bytes = [0; ADDRESS_BYTES as usize];
    // CAST: at most the buffer's length.
    let bytes = &mut bytes[..length.min(ADDRESS_BYTES) as usize];
    if place == 0 || length < 2 || !memory.read(place, bytes) {
        return address(line, place);
    }
    let family = u64::from(u16::from_le_bytes([bytes[0], bytes[1]]));
    line.push("{sa_family=");
    one(line, &names::AF, family);
    let rest = &bytes[2..];
    const UNIX: u64 = 1;
    const INET: u64 = 2;
    const INET6: u64 = 10;
    match family {
        _ if rest.is_empty() => {}
        UNIX => match rest.split_first() {
            Some((0, name)) if !name.is_empty() => {
                line.push(", sun_path=@");
                text::quote(line, name);
            }
            _ => {
                line.push(", sun_path=");
                text::quote(line, rest.split(|byte| *byte == 0).next().unwrap_or_default());
            }
        },
        INET if rest.len() >= 6 => {
            let port = u16::from_be_bytes([rest[0], rest[1]]);
            let [.., a, b, c, d] = [rest[2], rest[3], rest[4], rest[5]];
            line.put(format_args!(", sin_port=htons({port}), sin_addr=inet_addr(\"{a}.{b}.{c}.{d}\")"));
        }
        INET6 if rest.len() >= 26 => {
            let port = u16::from_be_bytes([rest[0], rest[1]]);
            let flow = u32::from_be_bytes([rest[2], rest[3], rest[4], rest[5]]);
            let mut octets = [0; 16];
            octets.copy_from_slice(&rest[6..22]);
            let scope = u32::from_le_bytes([rest[22], rest[23], rest[24], rest[25]]);
            let shown = core::net::Ipv6Addr::from(octets);
            line.put(format_args!(", sin6_port=htons({port}), sin6_flowinfo=htonl({flow})"));
            line.put(format_args!(", inet_pton(AF_INET6, \"{shown}\", &sin6_addr), sin6_scope_id={scope}"));
        }
        _ => {
            line.push(", sa_data=");
            text::quote(line, rest);
        }
    }
    line.push("}");
}

/// A socket's kind and its flags.
pub(super) fn kind(line: &mut Line, word: u64) {
    const KIND: u64 = 0xf;
    one(line, &names::SOCK, word & KIND);
    if word & !KIND != 0 {
        line.push("|");
        bits(line, &names::SOCK_FLAGS, word & !KIND);
    }
}

/// The name of an option of a level.
pub(super) fn option(line: &mut Line, level: u64, name: u64) {
    match level {
        1 => one(line, &names::SO, name),
        6 => one(line, &names::TCP, name),
        _ => line.put(format_args!("{name:#x}")),
    }
}

/// The value of an option.
pub(super) fn value(
    line: &mut Line,
    memory: &mut dyn Memory,
    arguments: &[u64; 6],
    place: u64,
    length: u64,
    limit: usize,
) {
    const SOCKET: u64 = 1;
    const PEERCRED: u64 = 17;
    const LINGER: u64 = 13;
    match (arguments[1], arguments[2]) {
        (SOCKET, PEERCRED) if length == 12 => match read::<Ucred>(memory, place) {
            Some(Ucred { pid, uid, gid }) => line.put(format_args!("{{pid={pid}, uid={uid}, gid={gid}}}")),
            None => address(line, place),
        },
        (SOCKET, LINGER) if length == 8 => match read::<[i32; 2]>(memory, place) {
            Some([on, seconds]) => line.put(format_args!("{{l_onoff={on}, l_linger={seconds}}}")),
            None => address(line, place),
        },
        _ if length == 4 => match read::<i32>(memory, place) {
            Some(value) => line.put(format_args!("[{value}]")),
            None => address(line, place),
        },
        _ => text::bytes(line, memory, place, length, limit),
    }
}

/// A message: `moved` bytes of it hold something, if that is known.
pub(super) fn message(line: &mut Line, memory: &mut dyn Memory, place: u64, moved: Option<u64>, limit: usize) {
    let Some(header) = read::<Msghdr>(memory, place) else { return address(line, place) };
    let name_bytes = u64::from(header.name_bytes.cast_unsigned());
    line.push("{msg_name=");
    sockaddr(line, memory, header.name, name_bytes);
    line.put(format_args!(", msg_namelen={}, msg_iov=", header.name_bytes));
    iovecs(line, memory, header.iovecs, header.iovec_count, moved, limit);
    line.put(format_args!(", msg_iovlen={}", header.iovec_count));
    if header.control != 0 && header.control_bytes != 0 {
        line.push(", msg_control=");
        control(line, memory, header.control, header.control_bytes);
    }
    line.put(format_args!(", msg_controllen={}, msg_flags=", header.control_bytes));
    bits(line, &names::MSG, u64::from(header.flags));
    line.push("}");
}

/// Control messages.
fn control(line: &mut Line, memory: &mut dyn Memory, start: u64, bytes: u64) {
    let end = bytes.min(CONTROL_BYTES);
    let header_bytes = size_of::<Cmsghdr>() as u64;
    let mut at = 0;
    let mut separator = "[";
    while at + header_bytes <= end {
        let Some(header) = read::<Cmsghdr>(memory, start.wrapping_add(at)) else { break };
        if header.bytes < header_bytes || header.bytes > end - at {
            break;
        }
        line.put(format_args!("{separator}{{cmsg_len={}, cmsg_level=", header.bytes));
        separator = ", ";
        let (level, kind) = (u64::from(header.level.cast_unsigned()), u64::from(header.kind.cast_unsigned()));
        one(line, &names::SOL, level);
        line.push(", cmsg_type=");
        if level == 1 {
            one(line, &names::SCM, kind);
        } else {
            line.put(format_args!("{kind:#x}"));
        }
        let (data, length) = (start.wrapping_add(at + header_bytes), header.bytes - header_bytes);
        match (level, kind) {
            (1, 1) => {
                line.push(", cmsg_data=");
                array::<i32>(line, memory, data, length / 4, |line, _, fd| line.put(format_args!("{fd}")));
            }
            (1, 2) => {
                if let Some(Ucred { pid, uid, gid }) = read::<Ucred>(memory, data) {
                    line.put(format_args!(", cmsg_data={{pid={pid}, uid={uid}, gid={gid}}}"));
                }
            }
            _ => {}
        }
        line.push("}");
        at += header.bytes.next_multiple_of(8);
    }
    if separator == "[" {
        scalar::address(line, start);
    } else {
        line.push("]");
    }
}
