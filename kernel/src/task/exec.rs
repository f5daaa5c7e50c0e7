//! Placeholder until tasks arrive: what executing a program means for tasks.
use crate::*;
use alloc::sync::Arc;
use alloc::vec::Vec;
/// stub
pub struct NewProgram {
    /// Its memory.
    pub space: Arc<mm::AddressSpace>,
    /// Its first registers.
    pub registers: machine::user::UserContext,
    /// Its name (`comm`).
    pub name: Vec<u8>,
    /// Who it acts as, if that changes (set-user-ID).
    pub credentials: Option<Arc<task::Credentials>>,
}
/// stub
pub fn begin(_call: &mut Call<'_>) -> Result<()> { todo!() }
/// stub
pub fn finish(_call: &mut Call<'_>, _program: NewProgram) { todo!() }
