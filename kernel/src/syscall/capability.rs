//! Calls on capabilities: capget, capset and the options of prctl about them. The rules are those of `capabilities(7)`.
use super::call::Call;
use super::identity::store;
use crate::errno::{Errno, Result};
use crate::task::capability::secure_bits;
use crate::task::{Capability, CapabilitySet, Credentials, table};
use crate::user_memory::UserPtr;
use abi::prctl::{
    PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, PR_CAP_AMBIENT_IS_SET, PR_CAP_AMBIENT_LOWER, PR_CAP_AMBIENT_RAISE,
    PR_CAPBSET_DROP, PR_CAPBSET_READ, PR_GET_KEEPCAPS, PR_GET_SECUREBITS, PR_SET_KEEPCAPS, PR_SET_SECUREBITS,
};

/// Versions of `struct __user_cap_header_struct`. The first has sets of 32 bits, the others two structures of these.
const VERSION_1: u32 = 0x1998_0330;
const VERSION_2: u32 = 0x2007_1026;
const VERSION_3: u32 = 0x2008_0522;

impl Call<'_> {
    /// Whether a capability is in effect for the calling task.
    pub fn may(&self, capability: Capability) -> bool {
        self.task.credentials(self.cx).may(capability)
    }
}

/// How many structures of data follow a header, and the process it names. An unknown version is answered by the newest one.
fn read_header(call: &mut Call<'_>, header: UserPtr<[u32; 2]>) -> Result<(usize, i32)> {
    // LINUX: the number is read only where the version is known.
    let version = UserPtr::<u32>::new(header.addr());
    let count = match version.read(call.cx)? {
        VERSION_1 => 1,
        VERSION_2 | VERSION_3 => 2,
        _ => {
            version.write(call.cx, &VERSION_3)?;
            return Err(Errno::EINVAL);
        }
    };
    let [_, pid] = header.read(call.cx)?;
    // CAST: the bits of a signed number.
    Ok((count, pid as i32))
}

/// Tells the effective, permitted and inheritable capabilities of a task.
pub fn sys_capget(call: &mut Call<'_>, header: UserPtr<[u32; 2]>, data: UserPtr<[u32; 3]>) -> Result<u64> {
    let (count, pid) = match read_header(call, header) {
        // Without data the question is which version there is.
        Err(Errno::EINVAL) if data.is_null() => return Ok(0),
        outcome => outcome?,
    };
    if data.is_null() {
        return Ok(0);
    }
    let rights = match u32::try_from(pid).map_err(|_| Errno::EINVAL)? {
        0 => call.who().capabilities,
        pid => table::find_task(call.cx, pid).ok_or(Errno::ESRCH)?.credentials(call.cx).capabilities,
    };
    let sets = [rights.effective, rights.permitted, rights.inheritable];
    // CAST: halves of the sets.
    let halves = [sets.map(|set| set.bits() as u32), sets.map(|set| (set.bits() >> 32) as u32)];
    data.write_slice(call.cx, &halves[..count])?;
    Ok(0)
}

/// Sets the calling task's capabilities.
pub fn sys_capset(call: &mut Call<'_>, header: UserPtr<[u32; 2]>, data: UserPtr<[u32; 3]>) -> Result<u64> {
    let (count, pid) = read_header(call, header)?;
    if pid != 0 && u32::try_from(pid) != Ok(call.task.tid()) {
        return Err(Errno::EPERM);
    }
    let halves = data.read_vec(call.cx, count)?;
    let set = |place: usize| {
        let half = |index: usize| halves.get(index).map_or(0, |half| u64::from(half[place]));
        CapabilitySet::from_bits(half(0) | half(1) << 32)
    };
    let (effective, permitted, inheritable) = (set(0), set(1), set(2));
    let mut new = Credentials::clone(&call.who());
    let old = new.capabilities;
    let may_inherit = |set: CapabilitySet| inheritable.is_subset_of(old.inheritable.union(set));
    if !(may_inherit(old.permitted) || new.may(Capability::SetCapabilities))
        || !may_inherit(old.bounding)
        || !permitted.is_subset_of(old.permitted)
        || !effective.is_subset_of(permitted)
    {
        return Err(Errno::EPERM);
    }
    new.capabilities.effective = effective;
    new.capabilities.permitted = permitted;
    new.capabilities.inheritable = inheritable;
    new.capabilities.ambient = old.ambient.intersection(permitted).intersection(inheritable);
    store(call, new);
    Ok(0)
}

/// The options of prctl that are about capabilities; EINVAL for another one.
pub(super) fn control(call: &mut Call<'_>, option: u32, arguments: [u64; 4]) -> Result<u64> {
    let [second, third, fourth, fifth] = arguments;
    let mut new = Credentials::clone(&call.who());
    match option {
        PR_CAPBSET_READ => {
            let one = CapabilitySet::of_number(second).ok_or(Errno::EINVAL)?;
            return Ok(u64::from(one.is_subset_of(new.capabilities.bounding)));
        }
        PR_CAPBSET_DROP => {
            if !new.may(Capability::SetCapabilities) {
                return Err(Errno::EPERM);
            }
            let one = CapabilitySet::of_number(second).ok_or(Errno::EINVAL)?;
            new.capabilities.bounding = new.capabilities.bounding.without(one);
        }
        PR_GET_KEEPCAPS => return Ok(u64::from(new.is_secure(secure_bits::KEEP))),
        PR_SET_KEEPCAPS => {
            if second > 1 {
                return Err(Errno::EINVAL);
            }
            if new.is_secure(secure_bits::KEEP << 1) {
                return Err(Errno::EPERM);
            }
            new.secure_bits &= !secure_bits::KEEP;
            new.secure_bits |= if second == 1 { secure_bits::KEEP } else { 0 };
        }
        PR_GET_SECUREBITS => return Ok(u64::from(new.secure_bits)),
        PR_SET_SECUREBITS => new.secure_bits = chosen_secure_bits(&new, second)?,
        PR_CAP_AMBIENT => {
            if u32::try_from(second) == Ok(PR_CAP_AMBIENT_CLEAR_ALL) {
                if third | fourth | fifth != 0 {
                    return Err(Errno::EINVAL);
                }
                new.capabilities.ambient = CapabilitySet::EMPTY;
            } else {
                let one = CapabilitySet::of_number(third).filter(|_| fourth | fifth == 0).ok_or(Errno::EINVAL)?;
                match u32::try_from(second) {
                    Ok(PR_CAP_AMBIENT_IS_SET) => return Ok(u64::from(one.is_subset_of(new.capabilities.ambient))),
                    Ok(PR_CAP_AMBIENT_RAISE) => {
                        let may_be = new.capabilities.permitted.intersection(new.capabilities.inheritable);
                        if !one.is_subset_of(may_be) || new.is_secure(secure_bits::NO_AMBIENT_RAISE) {
                            return Err(Errno::EPERM);
                        }
                        new.capabilities.ambient = new.capabilities.ambient.union(one);
                    }
                    Ok(PR_CAP_AMBIENT_LOWER) => new.capabilities.ambient = new.capabilities.ambient.without(one),
                    _ => return Err(Errno::EINVAL),
                }
            }
        }
        _ => return Err(Errno::EINVAL),
    }
    store(call, new);
    Ok(0)
}

/// EPERM if a lock forbids the change, would be taken off, or the bits or the right to set them are not known.
fn chosen_secure_bits(who: &Credentials, wanted: u64) -> Result<u32> {
    let old = who.secure_bits;
    let wanted = u32::try_from(wanted).map_err(|_| Errno::EPERM)?;
    let locked = (old & secure_bits::LOCKS) >> 1;
    if locked & (old ^ wanted) != 0
        || old & secure_bits::LOCKS & !wanted != 0
        || wanted & !(secure_bits::ALL | secure_bits::LOCKS) != 0
        || !who.may(Capability::SetCapabilities)
    {
        return Err(Errno::EPERM);
    }
    Ok(wanted)
}
