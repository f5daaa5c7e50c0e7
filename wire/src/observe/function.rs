//! Probes at the boundaries of the kernel's functions, as the host asks for them.
use super::bytes::{Reader, Writer};

/// The first number of these probes in records; the others follow, as the host numbers them.
pub const FUNCTION: u16 = 0x8000;
/// The last of them.
pub const FUNCTION_LAST: u16 = FUNCTION + 0x7ff;

/// A probe at a function: several may have the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionProbe {
    /// The number that its records bear.
    pub number: u16,
    /// Where the function begins.
    pub address: u64,
    /// Where the function returns, not at its entry.
    pub is_return: bool,
}

impl FunctionProbe {
    /// Bytes of an encoded one.
    pub const BYTES: usize = 11;

    /// Appends it.
    pub fn encode(&self, out: &mut Writer<'_>) {
        out.u16(self.number).u64(self.address).u8(self.is_return.into());
    }
    /// Takes one from the front.
    pub fn decode(from: &mut Reader<'_>) -> Option<FunctionProbe> {
        Some(FunctionProbe { number: from.u16()?, address: from.u64()?, is_return: from.u8()? != 0 })
    }
}

/// A probe at a function of a program's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserFunctionProbe<'a> {
    /// The number that its records bear.
    pub number: u16,
    /// Where in the file the function begins.
    pub offset: u64,
    /// The bytes there: at least an instruction.
    pub code: &'a [u8],
}

impl<'a> UserFunctionProbe<'a> {
    /// Appends it.
    pub fn encode(&self, out: &mut Writer<'_>) {
        out.u16(self.number).u64(self.offset).text(self.code);
    }
    /// Takes one from the front.
    pub fn decode(from: &mut Reader<'a>) -> Option<UserFunctionProbe<'a>> {
        Some(UserFunctionProbe { number: from.u16()?, offset: from.u64()?, code: from.text()? })
    }
}
