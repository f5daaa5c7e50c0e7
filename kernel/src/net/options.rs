//! Socket options (`socket(7)`, level SOL_SOCKET).
//!
//! Main items: [`Socket::option`], [`Socket::set_option`]; [`Kept`], options that Linux takes for every socket and that mean
//! nothing to local ones: kept and told, without an effect, as there.
use super::message::DEFAULT_BYTES;
use super::socket::{Link, Socket};
use crate::errno::{Errno, Result};
use abi::Timeval;
use abi::net::{
    AF_UNIX, SO_ACCEPTCONN, SO_BROADCAST, SO_DOMAIN, SO_DONTROUTE, SO_ERROR, SO_KEEPALIVE, SO_LINGER, SO_OOBINLINE,
    SO_PASSCRED, SO_PEERCRED, SO_PRIORITY, SO_PROTOCOL, SO_RCVBUF, SO_RCVBUFFORCE, SO_RCVLOWAT, SO_RCVTIMEO_NEW,
    SO_RCVTIMEO_OLD, SO_REUSEADDR, SO_REUSEPORT, SO_SNDBUF, SO_SNDBUFFORCE, SO_SNDLOWAT, SO_SNDTIMEO_NEW,
    SO_SNDTIMEO_OLD, SO_TYPE,
};
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use zerocopy::{FromBytes, IntoBytes};

/// Least SO_SNDBUF and SO_RCVBUF, doubled as they are kept.
const LEAST_SEND_BYTES: usize = 4608;
const LEAST_RECEIVE_BYTES: i32 = 2304;
/// Longest value of an option here.
pub const MOST_BYTES: usize = 16;

/// Flags that are kept only.
const FLAGS: [u32; 6] = [SO_REUSEADDR, SO_DONTROUTE, SO_BROADCAST, SO_KEEPALIVE, SO_OOBINLINE, SO_REUSEPORT];

/// Options without an effect on local sockets.
pub(super) struct Kept {
    /// A bit for each of [`FLAGS`].
    flags: AtomicU32,
    receive_bytes: AtomicI32,
    priority: AtomicI32,
    low_mark: AtomicI32,
    /// On, seconds.
    linger: [AtomicI32; 2],
}

impl Default for Kept {
    fn default() -> Self {
        Kept {
            flags: AtomicU32::new(0),
            // CAST: a small constant.
            receive_bytes: AtomicI32::new(DEFAULT_BYTES as i32),
            priority: AtomicI32::new(0),
            low_mark: AtomicI32::new(1),
            linger: [AtomicI32::new(0), AtomicI32::new(0)],
        }
    }
}

/// An option's value.
pub struct OptionValue {
    bytes: [u8; MOST_BYTES],
    length: usize,
}

impl OptionValue {
    fn of(value: &(impl IntoBytes + zerocopy::Immutable)) -> OptionValue {
        let mut bytes = [0; MOST_BYTES];
        let value = value.as_bytes();
        bytes[..value.len()].copy_from_slice(value);
        OptionValue { bytes, length: value.len() }
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

fn flag_bit(option: u32) -> Option<u32> {
    FLAGS.iter().position(|&flag| flag == option).map(|at| 1 << at)
}

impl Socket {
    /// An option's value; ENOPROTOOPT if there is no such option.
    pub fn option(&self, option: u32) -> Result<OptionValue> {
        let order = Ordering::Relaxed;
        if let Some(bit) = flag_bit(option) {
            return Ok(OptionValue::of(&i32::from(self.kept.flags.load(order) & bit != 0)));
        }
        Ok(OptionValue::of(&match option {
            SO_TYPE => self.kind as i32,
            // CAST: a small constant.
            SO_DOMAIN => AF_UNIX as i32,
            SO_PROTOCOL => 0,
            SO_ERROR => self.state.with(|state| state.error.take()).map_or(0, |error| i32::from(error.number())),
            // CAST: bounded when set.
            SO_SNDBUF => self.budget.limit() as i32,
            SO_RCVBUF => self.kept.receive_bytes.load(order),
            SO_PASSCRED => i32::from(self.passes_credentials.load(order)),
            SO_ACCEPTCONN => i32::from(self.state.with(|state| matches!(state.link, Link::Listening { .. }))),
            SO_RCVLOWAT => self.kept.low_mark.load(order),
            SO_SNDLOWAT => 1,
            SO_PRIORITY => self.kept.priority.load(order),
            SO_PEERCRED => return Ok(OptionValue::of(&self.state.with(|state| state.peer_credentials))),
            SO_LINGER => {
                let [is_on, seconds] = &self.kept.linger;
                return Ok(OptionValue::of(&[is_on.load(order), seconds.load(order)]));
            }
            SO_RCVTIMEO_OLD | SO_RCVTIMEO_NEW => {
                return Ok(OptionValue::of(&Timeval::from_ns(self.receive_timeout.load(order))));
            }
            SO_SNDTIMEO_OLD | SO_SNDTIMEO_NEW => {
                return Ok(OptionValue::of(&Timeval::from_ns(self.send_timeout.load(order))));
            }
            _ => return Err(Errno::ENOPROTOOPT),
        }))
    }

    /// Sets an option from the bytes given, which are at most [`MOST_BYTES`]. `is_privileged`: limits may be exceeded.
    pub fn set_option(&self, option: u32, bytes: &[u8], is_privileged: bool) -> Result<()> {
        let order = Ordering::Relaxed;
        let (value, _) = i32::read_from_prefix(bytes).map_err(|_| Errno::EINVAL)?;
        if let Some(bit) = flag_bit(option) {
            if value != 0 {
                self.kept.flags.fetch_or(bit, order);
            } else {
                self.kept.flags.fetch_and(!bit, order);
            }
            return Ok(());
        }
        match option {
            SO_PASSCRED => self.passes_credentials.store(value != 0, order),
            SO_SNDBUFFORCE | SO_RCVBUFFORCE if !is_privileged => return Err(Errno::EPERM),
            SO_SNDBUF | SO_SNDBUFFORCE => {
                // LINUX: what is asked for is doubled, for bookkeeping; negative numbers are very large ones.
                let asked = usize::try_from(value).unwrap_or(DEFAULT_BYTES).min(DEFAULT_BYTES);
                self.budget.set_limit((asked * 2).max(LEAST_SEND_BYTES));
            }
            SO_RCVBUF | SO_RCVBUFFORCE => {
                // CAST: a small constant.
                let asked = if value < 0 { DEFAULT_BYTES as i32 } else { value.min(DEFAULT_BYTES as i32) };
                self.kept.receive_bytes.store((asked * 2).max(LEAST_RECEIVE_BYTES), order);
            }
            SO_RCVLOWAT => self.kept.low_mark.store(value.max(1), order),
            SO_PRIORITY if (0..=6).contains(&value) || is_privileged => self.kept.priority.store(value, order),
            SO_PRIORITY => return Err(Errno::EPERM),
            SO_LINGER => {
                let ([is_on, seconds], _) = <[i32; 2]>::read_from_prefix(bytes).map_err(|_| Errno::EINVAL)?;
                self.kept.linger[0].store(i32::from(is_on != 0), order);
                self.kept.linger[1].store(seconds, order);
            }
            SO_RCVTIMEO_OLD | SO_RCVTIMEO_NEW => self.receive_timeout.store(timeout_ns(bytes)?, order),
            SO_SNDTIMEO_OLD | SO_SNDTIMEO_NEW => self.send_timeout.store(timeout_ns(bytes)?, order),
            _ => return Err(Errno::ENOPROTOOPT),
        }
        Ok(())
    }
}

/// A timeout option in nanoseconds; 0 is none.
fn timeout_ns(bytes: &[u8]) -> Result<u64> {
    let (time, _) = Timeval::read_from_prefix(bytes).map_err(|_| Errno::EINVAL)?;
    if !(0..1_000_000).contains(&time.microseconds) {
        return Err(Errno::EDOM);
    }
    // LINUX: less than nothing is to wait for next to nothing.
    Ok(if time.seconds < 0 { 1 } else { time.to_ns().unwrap_or(0) })
}
