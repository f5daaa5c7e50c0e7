//! Addresses of local sockets (`struct sockaddr_un`): what the bytes that a program gave mean, by the rules of `unix(7)`.
//!
//! Main items: [`UnixAddress`], [`parse`], [`render`]. Called by the socket calls on their copy of the address.
use core::fmt;

/// Bytes of the family in front of every address.
pub const FAMILY_BYTES: usize = 2;
/// Longest address (`sizeof(struct sockaddr_un)`).
pub const MOST_BYTES: usize = 110;
/// `AF_UNIX`.
const FAMILY: u16 = 1;

/// What an address means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum UnixAddress<'a> {
    /// The family alone: the socket is to be given a name.
    Autobind,
    /// A name in the tree of files, without a zero; never empty.
    Path(&'a [u8]),
    /// A name in the abstract name space, with the zero in front.
    Abstract(&'a [u8]),
}

impl fmt::Debug for UnixAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnixAddress::Autobind => f.write_str("Autobind"),
            UnixAddress::Path(name) => write!(f, "Path({})", name.escape_ascii()),
            UnixAddress::Abstract(name) => write!(f, "Abstract({})", name.escape_ascii()),
        }
    }
}

/// The address has a length or a family that no local address has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadAddress;

/// What `bytes` mean. A path ends at its first zero or at the end of the bytes, whichever comes first.
pub fn parse(bytes: &[u8]) -> Result<UnixAddress<'_>, BadAddress> {
    let (family, name) = bytes.split_first_chunk::<FAMILY_BYTES>().ok_or(BadAddress)?;
    if u16::from_ne_bytes(*family) != FAMILY || bytes.len() > MOST_BYTES {
        return Err(BadAddress);
    }
    Ok(match name.first() {
        None => UnixAddress::Autobind,
        Some(0) => UnixAddress::Abstract(name),
        Some(_) => UnixAddress::Path(name.split(|&byte| byte == 0).next().unwrap_or(name)),
    })
}

/// Writes the address with `name` (a path's with its final zero; nothing for a socket without a name) into `to`; answers
/// its length.
pub fn render(name: &[u8], to: &mut [u8; MOST_BYTES + 1]) -> usize {
    let name = &name[..name.len().min(MOST_BYTES + 1 - FAMILY_BYTES)];
    to[..FAMILY_BYTES].copy_from_slice(&FAMILY.to_ne_bytes());
    to[FAMILY_BYTES..FAMILY_BYTES + name.len()].copy_from_slice(name);
    FAMILY_BYTES + name.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn address(family: u16, name: &[u8]) -> Vec<u8> {
        [&family.to_ne_bytes()[..], name].concat()
    }

    #[test]
    fn tells_the_three_kinds_apart() {
        assert_eq!(parse(&address(1, b"")), Ok(UnixAddress::Autobind));
        assert_eq!(parse(&address(1, b"/tmp/a\0garbage")), Ok(UnixAddress::Path(b"/tmp/a")));
        assert_eq!(parse(&address(1, b"/tmp/a")), Ok(UnixAddress::Path(b"/tmp/a")));
        assert_eq!(parse(&address(1, b"\0a\0b")), Ok(UnixAddress::Abstract(b"\0a\0b")));
        assert_eq!(parse(&address(1, b"\0")), Ok(UnixAddress::Abstract(b"\0")));
    }

    #[test]
    fn refuses_other_families_and_lengths() {
        assert_eq!(parse(&address(2, b"/a")), Err(BadAddress));
        assert_eq!(parse(&[]), Err(BadAddress));
        assert_eq!(parse(&[1]), Err(BadAddress));
        assert!(parse(&address(1, &[b'a'; 108])).is_ok());
        assert_eq!(parse(&address(1, &[b'a'; 109])), Err(BadAddress));
    }

    #[test]
    fn writes_what_it_reads() {
        let mut bytes = [0; MOST_BYTES + 1];
        let length = render(b"\0name", &mut bytes);
        assert_eq!(parse(&bytes[..length]), Ok(UnixAddress::Abstract(b"\0name")));
        assert_eq!(render(b"", &mut bytes), FAMILY_BYTES);
        assert_eq!(render(&[b'a'; 200], &mut bytes), MOST_BYTES + 1, "cut, never past the end");
    }
}
