//! Names of local sockets: in the tree of files, and abstract ones, which live only here.
//!
//! Main items: [`Socket::bind`]; [`find`], the socket behind an address; [`Binding`], a socket's entry in the tables, taken
//! out when the socket is closed. A path leads to an inode of the kind socket, and the table leads from the inode on: a name
//! that outlives its socket is found and refused (ECONNREFUSED), as `unix(7)` says.
use super::socket::{Socket, SocketKind};
use crate::errno::{Errno, Result};
use crate::fs::inode::{DeviceNumber, NewNode};
use crate::fs::permission::{self, WRITE};
use crate::fs::walk::{Last, Walk};
use crate::fs::{FileKind, Path, names};
use crate::lock_order;
use crate::task::Task;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};
use machine::sync::SpinLock;
use machine::thread::CurrentThread;
use pure::unix_address::UnixAddress;

/// File system and number of an inode.
type InodeKey = (u64, u64);
/// Type and name. LINUX: sockets of different types may have the same abstract name.
type AbstractKey = (SocketKind, Arc<[u8]>);

struct Tables {
    by_inode: BTreeMap<InodeKey, Weak<Socket>>,
    by_name: BTreeMap<AbstractKey, Weak<Socket>>,
}

static TABLES: SpinLock<Tables> =
    SpinLock::new(&lock_order::SOCKET_NAMES, Tables { by_inode: BTreeMap::new(), by_name: BTreeMap::new() });

/// A socket's entry in the tables.
pub(super) enum Binding {
    /// By its inode; the path keeps the inode, and so its number, from being used again.
    Inode(InodeKey, #[expect(dead_code, reason = "held, not read")] Path),
    /// By its name.
    Abstract(AbstractKey),
}

impl Binding {
    /// Takes the entry out if it is still the socket's.
    pub(super) fn remove(&self, socket: &Socket) {
        let removed = TABLES.with(|tables| match self {
            Binding::Inode(key, _) => {
                let is_mine = tables.by_inode.get(key).is_some_and(|entry| Weak::ptr_eq(entry, &socket.me));
                if is_mine { tables.by_inode.remove(key) } else { None }
            }
            Binding::Abstract(key) => {
                let is_mine = tables.by_name.get(key).is_some_and(|entry| Weak::ptr_eq(entry, &socket.me));
                if is_mine { tables.by_name.remove(key) } else { None }
            }
        });
        drop(removed);
    }
}

fn key_of(path: &Path) -> Result<InodeKey> {
    let base = path.inode()?.base();
    Ok((base.device.encoded(), base.number))
}

fn copy(bytes: &[u8], end: &[u8]) -> Result<Arc<[u8]>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len() + end.len())?;
    copy.extend_from_slice(bytes);
    copy.extend_from_slice(end);
    Ok(copy.into())
}

impl Socket {
    /// Gives the socket a name: EINVAL if it has one, EADDRINUSE if the name is taken.
    pub fn bind(&self, cx: &mut CurrentThread, task: &Task, address: UnixAddress<'_>) -> Result<()> {
        let _binding = self.bind_lock.lock(cx);
        if self.name.get().is_some() {
            // LINUX: a socket that has a name is content with any.
            return if address == UnixAddress::Autobind { Ok(()) } else { Err(Errno::EINVAL) };
        }
        match address {
            UnixAddress::Autobind => self.bind_to_any(),
            UnixAddress::Abstract(name) => self.bind_abstract(copy(name, &[])?),
            UnixAddress::Path(text) => {
                let name = copy(text, &[0])?;
                let path = make_node(cx, task, text)?;
                let key = key_of(&path)?;
                let me = self.me.clone();
                TABLES.with(|tables| tables.by_inode.insert(key, me));
                self.binding.call_once(|| Binding::Inode(key, path));
                self.name.call_once(|| name);
                Ok(())
            }
        }
    }

    /// A name for a socket that sends its credentials (SO_PASSCRED) and has none.
    pub(super) fn bind_for_credentials(&self, cx: &mut CurrentThread) -> Result<()> {
        if !self.passes_credentials.load(Ordering::Relaxed) || self.name.get().is_some() {
            return Ok(());
        }
        let _binding = self.bind_lock.lock(cx);
        if self.name.get().is_some() { Ok(()) } else { self.bind_to_any() }
    }

    /// Some free abstract name: five hexadecimal digits. The caller holds the bind lock.
    fn bind_to_any(&self) -> Result<()> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        const NAMES: u32 = 1 << 20;
        for _ in 0..NAMES {
            let number = NEXT.fetch_add(1, Ordering::Relaxed) % NAMES;
            match self.bind_abstract(format!("\0{number:05x}").into_bytes().into()) {
                Err(Errno::EADDRINUSE) => {}
                outcome => return outcome,
            }
        }
        Err(Errno::ENOSPC)
    }

    fn bind_abstract(&self, name: Arc<[u8]>) -> Result<()> {
        let key = (self.kind, name.clone());
        let is_free = TABLES.with(|tables| {
            let is_free = !tables.by_name.contains_key(&key);
            if is_free {
                tables.by_name.insert(key.clone(), self.me.clone());
            }
            is_free
        });
        if !is_free {
            return Err(Errno::EADDRINUSE);
        }
        self.binding.call_once(|| Binding::Abstract(key));
        self.name.call_once(|| name);
        Ok(())
    }
}

/// Makes the inode that a path name leads to.
fn make_node(cx: &mut CurrentThread, task: &Task, text: &[u8]) -> Result<Path> {
    let context = task.fs(cx);
    let who = task.credentials(cx);
    let start = context.working(cx);
    let (parent, last) = Walk::new(cx, &context, &who).resolve_parent(cx, start, text)?;
    let Last::Name { name, has_slash } = last else { return Err(Errno::EADDRINUSE) };
    if has_slash {
        return Err(Errno::ENOENT);
    }
    let new = NewNode {
        kind: FileKind::Socket,
        permissions: 0o777 & !context.umask(),
        uid: 0,
        gid: 0,
        node: DeviceNumber::default(),
        target: &[],
    };
    match names::create(cx, &who, &parent, &name, new, false) {
        Ok((path, _)) => Ok(path),
        Err(Errno::EEXIST) => Err(Errno::EADDRINUSE),
        Err(error) => Err(error),
    }
}

/// The socket that an address leads to, for one of type `kind` that wants to reach it.
pub(super) fn find(
    cx: &mut CurrentThread,
    task: &Task,
    address: UnixAddress<'_>,
    kind: SocketKind,
) -> Result<Arc<Socket>> {
    let found = match address {
        UnixAddress::Autobind => return Err(Errno::EINVAL),
        UnixAddress::Abstract(name) => {
            let key = (kind, copy(name, &[])?);
            TABLES.with(|tables| tables.by_name.get(&key).and_then(Weak::upgrade))
        }
        UnixAddress::Path(text) => {
            let context = task.fs(cx);
            let who = task.credentials(cx);
            let start = context.working(cx);
            let path = Walk::new(cx, &context, &who).resolve(cx, start, text, true)?;
            let inode = path.inode()?;
            permission::check(cx, &who, inode.base(), WRITE)?;
            if inode.base().kind != FileKind::Socket {
                return Err(Errno::ECONNREFUSED);
            }
            let key = key_of(&path)?;
            TABLES.with(|tables| tables.by_inode.get(&key).and_then(Weak::upgrade))
        }
    };
    let socket = found.ok_or(Errno::ECONNREFUSED)?;
    if socket.kind == kind { Ok(socket) } else { Err(Errno::EPROTOTYPE) }
}
