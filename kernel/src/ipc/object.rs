//! What semaphores, message queues and shared memory have in common: keys, identifiers, permissions.
//!
//! Main types: [`Objects`], the table of one kind; [`Object`], an entry with its [`Permissions`].
//!
//! # Invariants
//! An identifier is a place in the table and a sequence number, so that one of an object that is gone does not mean the next in
//! its place. A key is another name while the object is not removed.
//!
//! Locks: `IPC_OBJECTS` around each table, `IPC_PERMISSIONS` in each object; never one under the other.
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::task::{Capability, Credentials};
use abi::ipc::{IPC_CREAT, IPC_EXCL, IPC_PRIVATE, IpcPerm};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use machine::sync::SpinLock;

/// Most objects of a kind, and what an identifier counts its sequence in (Linux's IPCMNI).
const MOST: usize = 32_768;

/// Wanted: to read (as permission bits).
pub const READ: u32 = 0o444;
/// Wanted: to change.
pub const WRITE: u32 = 0o222;

/// Whose an object is.
#[derive(Clone, Copy, Debug)]
pub struct Permissions {
    /// Owner.
    pub uid: u32,
    /// Owner's group.
    pub gid: u32,
    maker_uid: u32,
    maker_gid: u32,
    /// Nine permission bits.
    pub mode: u32,
}

/// An entry of a table.
pub struct Object<T> {
    /// Its identifier.
    pub id: i32,
    key: i32,
    permissions: SpinLock<Permissions>,
    is_removed: AtomicBool,
    /// What it is.
    pub body: T,
}

impl<T> Object<T> {
    /// EACCES unless `who` may do what the bits of `wanted` say, in any of their three places.
    pub fn check(&self, who: &Credentials, wanted: u32) -> Result<()> {
        let permissions = self.permissions.with(|permissions| *permissions);
        let wanted = wanted >> 6 | wanted >> 3 | wanted;
        let granted = if [permissions.uid, permissions.maker_uid].contains(&who.uid.effective) {
            permissions.mode >> 6
        } else if who.gid.effective == permissions.gid
            || who.gid.effective == permissions.maker_gid
            || [permissions.gid, permissions.maker_gid].iter().any(|group| who.groups.has(*group))
        {
            permissions.mode >> 3
        } else {
            permissions.mode
        };
        if wanted & !granted & 7 == 0 || who.may(Capability::IpcOwner) { Ok(()) } else { Err(Errno::EACCES) }
    }

    /// Whether `who` owns or made it.
    pub fn is_own(&self, who: &Credentials) -> bool {
        let permissions = self.permissions.with(|permissions| *permissions);
        [permissions.uid, permissions.maker_uid].contains(&who.uid.effective)
    }

    /// EPERM unless `who` owns or made it, or may administer.
    pub fn check_owner(&self, who: &Credentials) -> Result<()> {
        if self.is_own(who) || who.may(Capability::Admin) { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// Whether it was removed.
    pub fn is_removed(&self) -> bool {
        self.is_removed.load(Ordering::Acquire)
    }

    /// As it is told.
    pub fn told_permissions(&self) -> IpcPerm {
        let Permissions { uid, gid, maker_uid, maker_gid, mode } = self.permissions.with(|permissions| *permissions);
        let key = if self.is_removed() { IPC_PRIVATE } else { self.key };
        // CAST: identifiers are not negative, and their sequence has sixteen bits.
        let sequence = (self.id as usize / MOST) as u16;
        IpcPerm { key, uid, gid, maker_uid, maker_gid, mode, sequence, ..IpcPerm::default() }
    }

    /// Changes owner and permissions (IPC_SET).
    pub fn set_permissions(&self, new: &IpcPerm) {
        self.permissions.with(|permissions| {
            permissions.uid = new.uid;
            permissions.gid = new.gid;
            permissions.mode = new.mode & 0o777;
        });
    }
}

struct Table<T> {
    places: Vec<Option<Arc<Object<T>>>>,
    /// How many were made: the sequence of the next.
    made: usize,
}

/// All objects of a kind.
pub struct Objects<T: 'static> {
    table: SpinLock<Table<T>>,
    most: usize,
}

impl<T> Objects<T> {
    /// None; there may be `most`.
    pub const fn new(most: usize) -> Objects<T> {
        Objects { table: SpinLock::new(&lock_order::IPC_OBJECTS, Table { places: Vec::new(), made: 0 }), most }
    }

    /// The object of a key, made by `make` if the flags say so; what is there is judged by `check`.
    pub fn get(
        &self,
        who: &Credentials,
        key: i32,
        flags: u32,
        make: impl FnOnce() -> Result<T>,
        check: impl FnOnce(&T) -> Result<()>,
    ) -> Result<i32> {
        if key != IPC_PRIVATE {
            if let Some(known) = self.by_key(key) {
                return self.judge_known(who, &known, flags, check);
            }
            if flags & IPC_CREAT == 0 {
                return Err(Errno::ENOENT);
            }
        }
        let body = make()?;
        let permissions = Permissions {
            uid: who.uid.effective,
            gid: who.gid.effective,
            maker_uid: who.uid.effective,
            maker_gid: who.gid.effective,
            mode: flags & 0o777,
        };
        match self.insert(key, permissions, body)? {
            Ok(id) => Ok(id),
            // Somebody else was quicker.
            Err(known) => self.judge_known(who, &known, flags, check),
        }
    }

    fn judge_known(
        &self,
        who: &Credentials,
        known: &Object<T>,
        flags: u32,
        check: impl FnOnce(&T) -> Result<()>,
    ) -> Result<i32> {
        if flags & (IPC_CREAT | IPC_EXCL) == IPC_CREAT | IPC_EXCL {
            return Err(Errno::EEXIST);
        }
        check(&known.body)?;
        known.check(who, flags & 0o777)?;
        Ok(known.id)
    }

    fn by_key(&self, key: i32) -> Option<Arc<Object<T>>> {
        let is_it = |object: &&Arc<Object<T>>| object.key == key && !object.is_removed();
        self.table.with(|table| table.places.iter().flatten().find(is_it).cloned())
    }

    /// Puts a new object into the table, or answers the one that has its key meanwhile.
    fn insert(&self, key: i32, permissions: Permissions, body: T) -> Result<core::result::Result<i32, Arc<Object<T>>>> {
        let mut object = Object {
            id: 0,
            key,
            permissions: SpinLock::new(&lock_order::IPC_PERMISSIONS, permissions),
            is_removed: AtomicBool::new(false),
            body,
        };
        self.table.with(|table| {
            let is_it = |known: &&Arc<Object<T>>| key != IPC_PRIVATE && known.key == key && !known.is_removed();
            if let Some(known) = table.places.iter().flatten().find(is_it) {
                return Ok(Err(known.clone()));
            }
            let at = match table.places.iter().position(Option::is_none) {
                Some(at) => at,
                None if table.places.len() >= self.most => return Err(Errno::ENOSPC),
                None => {
                    table.places.try_reserve(1)?;
                    table.places.push(None);
                    table.places.len() - 1
                }
            };
            table.made += 1;
            // CAST: below 2^31, as the sequence has sixteen bits.
            object.id = ((table.made & 0x7fff) * MOST + at) as i32;
            let id = object.id;
            table.places[at] = Some(Arc::new(object));
            Ok(Ok(id))
        })
    }

    /// The object of an identifier. EINVAL if it is not there (any more).
    pub fn find(&self, id: i32) -> Result<Arc<Object<T>>> {
        let id_words = usize::try_from(id).map_err(|_| Errno::EINVAL)?;
        let found = self.table.with(|table| table.places.get(id_words % MOST).cloned().flatten());
        found.filter(|object| object.id == id).ok_or(Errno::EINVAL)
    }

    /// The object in a place of the table, for listings.
    pub fn at(&self, place: i32) -> Result<Arc<Object<T>>> {
        let place = usize::try_from(place).map_err(|_| Errno::EINVAL)?;
        self.table.with(|table| table.places.get(place).cloned().flatten()).ok_or(Errno::EINVAL)
    }

    /// The highest place in use, and how many are.
    pub fn extent(&self) -> (usize, usize) {
        self.table.with(|table| {
            let highest = table.places.iter().rposition(Option::is_some).unwrap_or(0);
            (highest, table.places.iter().flatten().count())
        })
    }

    /// The objects in turn, from a place on: the first and the place after it.
    pub fn next(&self, from: usize) -> Option<(usize, Arc<Object<T>>)> {
        self.table.with(|table| {
            let (at, object) =
                table.places.iter().enumerate().skip(from).find_map(|(at, o)| Some((at, o.as_ref()?)))?;
            Some((at + 1, object.clone()))
        })
    }

    /// Makes it removed: no key finds it. True for the first who does.
    pub fn mark_removed(&self, object: &Object<T>) -> bool {
        !object.is_removed.swap(true, Ordering::AcqRel)
    }

    /// Takes it out of the table: no identifier finds it.
    pub fn forget(&self, object: &Object<T>) {
        // CAST: identifiers are not negative.
        let at = object.id as usize % MOST;
        let gone = self.table.with(|table| {
            let place = table.places.get_mut(at)?;
            place.as_ref().filter(|known| known.id == object.id)?;
            place.take()
        });
        drop(gone);
    }
}
