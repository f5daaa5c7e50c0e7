//! Claims about user memory: [`UserPtr`], [`UserSlice`], [`UserCStr`]. None has `Deref`; each use copies, may fault and sleep, and
//! answers EFAULT when the memory is not there. What a handler decides, it decides on its copy.
use crate::errno::{Errno, Result};
use abi::{Iovec, Plain};
use alloc::vec::Vec;
use core::marker::PhantomData;
use machine::addr::{USER_END, UserAddr};
use machine::mm::user_copy;
use machine::thread::CurrentThread;
use zerocopy::IntoBytes;

/// Longest path a call takes, terminating zero included (PATH_MAX).
pub const PATH_BYTES: usize = 4096;
/// Most segments of a readv or writev (IOV_MAX).
pub const IOVEC_COUNT: usize = 1024;
/// Most bytes that one read or write moves, as on Linux (MAX_RW_COUNT).
pub const TRANSFER_BYTES: usize = 0x7fff_f000;

/// A claimed pointer to one `T`, or to the first of several.
pub struct UserPtr<T> {
    addr: UserAddr,
    _value: PhantomData<fn() -> T>,
}
impl<T> Clone for UserPtr<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for UserPtr<T> {}

impl<T: Plain> UserPtr<T> {
    /// A claim; nothing is checked before it is used.
    pub const fn new(addr: UserAddr) -> Self {
        UserPtr { addr, _value: PhantomData }
    }
    /// The address.
    pub const fn addr(self) -> UserAddr {
        self.addr
    }
    /// Whether it is null.
    pub fn is_null(self) -> bool {
        self.addr.is_null()
    }
    /// `None` if it is null: the usual meaning of an optional argument.
    pub fn non_null(self) -> Option<Self> {
        (!self.is_null()).then_some(self)
    }
    /// The claim on the value at `index` from here.
    pub fn at(self, index: usize) -> Result<Self> {
        let bytes = index.checked_mul(size_of::<T>()).ok_or(Errno::EFAULT)?;
        Ok(UserPtr::new(self.addr.checked_add(bytes).ok_or(Errno::EFAULT)?))
    }
    /// Copies the value in.
    pub fn read(self, cx: &mut CurrentThread) -> Result<T> {
        let mut value = T::new_zeroed();
        user_copy::read(cx, self.addr, value.as_mut_bytes())?;
        Ok(value)
    }
    /// Copies the value out.
    pub fn write(self, cx: &mut CurrentThread, value: &T) -> Result<()> {
        Ok(user_copy::write(cx, self.addr, value.as_bytes())?)
    }
    /// Copies the value out unless the pointer is null.
    pub fn write_if_set(self, cx: &mut CurrentThread, value: &T) -> Result<()> {
        if self.is_null() { Ok(()) } else { self.write(cx, value) }
    }
    /// Copies `count` values in. The caller has bounded `count`; want of memory is ENOMEM.
    pub fn read_vec(self, cx: &mut CurrentThread, count: usize) -> Result<Vec<T>> {
        let mut values = Vec::new();
        values.try_reserve_exact(count)?;
        values.resize(count, T::new_zeroed());
        user_copy::read(cx, self.addr, values.as_mut_slice().as_mut_bytes())?;
        Ok(values)
    }
    /// Copies several values out.
    pub fn write_slice(self, cx: &mut CurrentThread, values: &[T]) -> Result<()> {
        Ok(user_copy::write(cx, self.addr, values.as_bytes())?)
    }
}

/// A claimed range of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UserSlice {
    addr: UserAddr,
    bytes: usize,
}

impl UserSlice {
    /// A claim; nothing is checked before it is used.
    pub const fn new(addr: UserAddr, bytes: usize) -> Self {
        UserSlice { addr, bytes }
    }
    /// First byte.
    pub const fn addr(self) -> UserAddr {
        self.addr
    }
    /// Length.
    pub const fn len(self) -> usize {
        self.bytes
    }
    /// Whether it has no bytes.
    pub const fn is_empty(self) -> bool {
        self.bytes == 0
    }
    /// Whether all of it lies below the end of user space (Linux's `access_ok`); else reads and writes answer EFAULT
    /// before anything else happens.
    pub fn check(self) -> Result<()> {
        match self.addr.0.checked_add(self.bytes) {
            Some(end) if end <= USER_END => Ok(()),
            _ => Err(Errno::EFAULT),
        }
    }
    /// The first `bytes` of it, or all if it is shorter.
    pub fn first(self, bytes: usize) -> Self {
        UserSlice { bytes: self.bytes.min(bytes), ..self }
    }
    /// What follows the first `bytes`; empty if it is shorter.
    pub fn skip(self, bytes: usize) -> Self {
        let bytes = bytes.min(self.bytes);
        // OVERFLOW: a sum past the address space wraps to a low address whose access faults as it should.
        UserSlice { addr: UserAddr(self.addr.0.wrapping_add(bytes)), bytes: self.bytes - bytes }
    }
    /// Copies into `to`, whose length must be at most this one's.
    pub fn read(self, cx: &mut CurrentThread, to: &mut [u8]) -> Result<()> {
        if to.len() > self.bytes {
            return Err(Errno::EFAULT);
        }
        Ok(user_copy::read(cx, self.addr, to)?)
    }
    /// Copies `from` to its start; `from` must be at most this long.
    pub fn write(self, cx: &mut CurrentThread, from: &[u8]) -> Result<()> {
        if from.len() > self.bytes {
            return Err(Errno::EFAULT);
        }
        Ok(user_copy::write(cx, self.addr, from)?)
    }
    /// Copies all of it in. The caller has bounded the length.
    pub fn read_vec(self, cx: &mut CurrentThread) -> Result<Vec<u8>> {
        UserPtr::<u8>::new(self.addr).read_vec(cx, self.bytes)
    }
    /// Zeroes all of it.
    pub fn zero(self, cx: &mut CurrentThread) -> Result<()> {
        Ok(user_copy::zero(cx, self.addr, self.bytes)?)
    }
}

/// A claimed zero-terminated string.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UserCStr(pub UserAddr);

/// How reading a text by [`UserCStr::peek`] ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TextEnd {
    /// At its zero.
    Zero,
    /// After as many bytes as were asked for.
    Limit,
    /// Where memory is not there, or not now.
    Absent,
}

/// Bytes that [`UserCStr::peek`] reads at a time: divides a page, so no piece is in two.
const PEEK_BYTES: usize = 64;

impl UserCStr {
    /// Gives at most `limit` bytes of the text to `take`, from any context: nothing is faulted in.
    pub fn peek(self, limit: usize, take: &mut dyn FnMut(&[u8])) -> TextEnd {
        let mut buffer = [0; PEEK_BYTES];
        let (mut at, mut left) = (self.0.0, limit);
        while left != 0 {
            let piece = &mut buffer[..(PEEK_BYTES - at % PEEK_BYTES).min(left)];
            if user_copy::read_no_fault(UserAddr(at), piece).is_err() {
                return TextEnd::Absent;
            }
            let length = piece.iter().position(|byte| *byte == 0);
            take(&piece[..length.unwrap_or(piece.len())]);
            if length.is_some() {
                return TextEnd::Zero;
            }
            left -= piece.len();
            // OVERFLOW: what was read lies in user space.
            at += piece.len();
        }
        TextEnd::Limit
    }
    /// Copies it in without its zero. No zero within `limit` bytes answers `too_long`.
    pub fn read(self, cx: &mut CurrentThread, limit: usize, too_long: Errno) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        let mut buffer = [0u8; 256];
        loop {
            let part = buffer.len().min(limit - text.len());
            if part == 0 {
                return Err(too_long);
            }
            let from = self.0.checked_add(text.len()).ok_or(Errno::EFAULT)?;
            match user_copy::read_string(cx, from, &mut buffer[..part])? {
                Some(length) => {
                    text.try_reserve_exact(length)?;
                    text.extend_from_slice(&buffer[..length]);
                    return Ok(text);
                }
                None => {
                    text.try_reserve(part)?;
                    text.extend_from_slice(&buffer[..part]);
                }
            }
        }
    }
    /// Copies a path in: ENAMETOOLONG from PATH_MAX on. The path may be empty; walking decides what that means.
    pub fn read_path(self, cx: &mut CurrentThread) -> Result<Vec<u8>> {
        self.read(cx, PATH_BYTES, Errno::ENAMETOOLONG)
    }
}

/// Copies an iovec array in, as readv and writev take it: at most [`IOVEC_COUNT`] segments; a length that is negative as a
/// signed number is EINVAL; the sum is cut at [`TRANSFER_BYTES`] as Linux does.
pub fn read_iovecs(cx: &mut CurrentThread, addr: UserAddr, count: usize) -> Result<Vec<UserSlice>> {
    if count > IOVEC_COUNT {
        return Err(Errno::EINVAL);
    }
    let raw = UserPtr::<Iovec>::new(addr).read_vec(cx, count)?;
    let mut slices = Vec::new();
    slices.try_reserve_exact(count)?;
    let mut room = TRANSFER_BYTES;
    for segment in raw {
        if i64::try_from(segment.bytes).is_err() {
            return Err(Errno::EINVAL);
        }
        // CAST: usize and u64 are the same size on both architectures.
        let slice = UserSlice::new(UserAddr(segment.base as usize), segment.bytes as usize);
        slice.check()?;
        slices.push(slice.first(room));
        room -= slice.len().min(room);
    }
    Ok(slices)
}
