//! Calls on sets of System V semaphores. The objects: [`crate::ipc::semaphore`].
use super::argument::Flags;
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::ipc::object::{Object, READ, WRITE};
use crate::ipc::semaphore::{self, MOST_IN_SET, MOST_OPERATIONS, MOST_SETS, MOST_VALUE, SETS, Set};
use crate::user_memory::UserPtr;
use abi::Timespec;
use abi::arch::SemidDs;
use abi::ipc::{
    GETALL, GETNCNT, GETPID, GETVAL, GETZCNT, IPC_INFO, IPC_RMID, IPC_SET, IPC_STAT, SEM_INFO, SEM_STAT, SEM_STAT_ANY,
    SETALL, SETVAL, Sembuf, Seminfo,
};
use alloc::sync::Arc;
use machine::addr::UserAddr;
use machine::time::now;

/// Finds or makes a set.
pub fn sys_semget(call: &mut Call<'_>, key: i32, count: i32, flags: Flags) -> Result<u64> {
    let count = usize::try_from(count).ok().filter(|&count| count <= MOST_IN_SET).ok_or(Errno::EINVAL)?;
    let make = || if count == 0 { Err(Errno::EINVAL) } else { Set::new(count) };
    let check = |set: &Set| if count > set.count() { Err(Errno::EINVAL) } else { Ok(()) };
    // CAST: identifiers are not negative.
    Ok(SETS.get(&call.who(), key, flags.0, make, check)? as u64)
}

/// Operates on a set.
pub fn sys_semop(call: &mut Call<'_>, id: i32, operations: UserPtr<Sembuf>, count: usize) -> Result<u64> {
    sys_semtimedop(call, id, operations, count, UserPtr::new(UserAddr::NULL))
}

/// Operates on a set, for so long.
pub fn sys_semtimedop(
    call: &mut Call<'_>,
    id: i32,
    operations: UserPtr<Sembuf>,
    count: usize,
    timeout: UserPtr<Timespec>,
) -> Result<u64> {
    let deadline = match timeout.non_null() {
        None => None,
        Some(timeout) => Some(now().after(timeout.read(call.cx)?.to_ns().ok_or(Errno::EINVAL)?)),
    };
    if count == 0 || id < 0 {
        return Err(Errno::EINVAL);
    }
    if count > MOST_OPERATIONS {
        return Err(Errno::E2BIG);
    }
    let operations = operations.read_vec(call.cx, count)?;
    let set = SETS.find(id)?;
    let is_change = operations.iter().any(|operation| operation.change != 0);
    set.check(&call.who(), if is_change { WRITE } else { READ })?;
    let process = call.process().clone();
    semaphore::operate(call.cx, &set, &process, &operations, deadline)?;
    Ok(0)
}

fn stat(set: &Object<Set>) -> SemidDs {
    let (operation_time, change_time) = set.body.times();
    SemidDs {
        perm: set.told_permissions(),
        operation_time,
        change_time,
        semaphores: set.body.count() as u64,
        ..SemidDs::default()
    }
}

/// Everything else about sets. The last argument is a value or an address.
pub fn sys_semctl(call: &mut Call<'_>, id: i32, number: i32, command: i32, argument: u64) -> Result<u64> {
    if id < 0 {
        return Err(Errno::EINVAL);
    }
    // CAST: usize is 64 bits on both architectures.
    let place = UserAddr(argument as usize);
    let who = call.who();
    match command {
        IPC_INFO | SEM_INFO => return info(call, command == SEM_INFO, UserPtr::new(place)),
        SEM_STAT | SEM_STAT_ANY => {
            let set = SETS.at(id)?;
            if command == SEM_STAT {
                set.check(&who, READ)?;
            }
            UserPtr::new(place).write(call.cx, &stat(&set))?;
            // CAST: identifiers are not negative.
            return Ok(set.id as u64);
        }
        _ => {}
    }
    let set = SETS.find(id)?;
    match command {
        IPC_STAT => {
            set.check(&who, READ)?;
            UserPtr::new(place).write(call.cx, &stat(&set))?;
        }
        IPC_SET => {
            let new = UserPtr::<SemidDs>::new(place).read(call.cx)?;
            set.check_owner(&who)?;
            set.set_permissions(&new.perm);
            set.body.note_change();
        }
        IPC_RMID => {
            set.check_owner(&who)?;
            SETS.mark_removed(&set);
            SETS.forget(&set);
            set.body.wake_all();
        }
        GETALL => {
            set.check(&who, READ)?;
            let values = set.body.values()?;
            UserPtr::<u16>::new(place).write_slice(call.cx, &values)?;
        }
        GETVAL | GETPID | GETNCNT | GETZCNT => {
            set.check(&who, READ)?;
            let number = usize::try_from(number).map_err(|_| Errno::EINVAL)?;
            let (value, last, more, zero) = set.body.one(number)?;
            return Ok(match command {
                // CAST: values are not negative.
                GETVAL => value as u64,
                GETPID => u64::from(last),
                GETNCNT => u64::from(more),
                _ => u64::from(zero),
            });
        }
        SETVAL | SETALL => set_values(call, &set, number, command, argument)?,
        _ => return Err(Errno::EINVAL),
    }
    Ok(0)
}

fn set_values(call: &mut Call<'_>, set: &Arc<Object<Set>>, number: i32, command: i32, argument: u64) -> Result<()> {
    let pid = call.process().pid();
    let who = call.who();
    if command == SETVAL {
        let number = usize::try_from(number).ok().filter(|&number| number < set.body.count());
        // CAST: the value is an int.
        let value = argument as i32;
        if !(0..=MOST_VALUE).contains(&value) {
            return Err(Errno::ERANGE);
        }
        set.check(&who, WRITE)?;
        return set.body.set_values(number.ok_or(Errno::EINVAL)?, &[value], pid);
    }
    set.check(&who, WRITE)?;
    // CAST: usize is 64 bits on both architectures.
    let place = UserPtr::<u16>::new(UserAddr(argument as usize));
    let values = place.read_vec(call.cx, set.body.count())?;
    let mut wide = alloc::vec::Vec::new();
    wide.try_reserve_exact(values.len())?;
    wide.extend(values.iter().map(|&value| i32::from(value)));
    set.body.set_values(0, &wide, pid)
}

fn info(call: &mut Call<'_>, is_use: bool, place: UserPtr<Seminfo>) -> Result<u64> {
    let (highest, sets) = SETS.extent();
    let mut next = 0;
    let mut semaphores = 0;
    while let Some((place, set)) = SETS.next(next) {
        next = place;
        semaphores += set.body.count();
    }
    // CAST: the limits and what is below them fit.
    let (most_in_set, most_sets) = (MOST_IN_SET as i32, MOST_SETS as i32);
    let told = Seminfo {
        map: most_sets.wrapping_mul(most_in_set),
        most_sets,
        most_semaphores: most_sets.wrapping_mul(most_in_set),
        undos: most_sets.wrapping_mul(most_in_set),
        most_in_set,
        most_operations: MOST_OPERATIONS as i32,
        most_undo: MOST_OPERATIONS as i32,
        undo_bytes: if is_use { sets as i32 } else { 20 },
        most_value: MOST_VALUE,
        most_adjust: if is_use { semaphores as i32 } else { MOST_VALUE },
    };
    place.write(call.cx, &told)?;
    Ok(highest as u64)
}
