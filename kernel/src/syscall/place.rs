//! What the file calls have in common: descriptors and paths of the caller, turned into files and places.
//!
//! Called by the handlers of the file subjects. Nothing here changes anything.
use super::argument::Fd;
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::fs::inode::Inode;
use crate::fs::table::Reservation;
use crate::fs::walk::{Last, Walk};
use crate::fs::{OpenFile, Path};
use crate::task::Credentials;
use crate::task::limits::Resource;
use crate::user_memory::UserCStr;
use abi::linux::{AT_EMPTY_PATH, AT_SYMLINK_FOLLOW, AT_SYMLINK_NOFOLLOW};
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::mm::user_copy;
use machine::thread::CurrentThread;

/// Whether a link in the last place is followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Links {
    /// To where it leads.
    Follow,
    /// The link itself is meant.
    Keep,
}

impl Links {
    /// From flags with AT_SYMLINK_NOFOLLOW.
    pub(super) fn unless_forbidden(flags: u32) -> Links {
        if flags & AT_SYMLINK_NOFOLLOW != 0 { Links::Keep } else { Links::Follow }
    }
    /// From flags with AT_SYMLINK_FOLLOW.
    pub(super) fn if_asked(flags: u32) -> Links {
        if flags & AT_SYMLINK_FOLLOW != 0 { Links::Follow } else { Links::Keep }
    }
}

/// A directory, and a name to be made or removed in it.
pub(super) struct NamedPlace {
    /// The directory.
    pub(super) parent: Path,
    /// The last component.
    pub(super) last: Last,
}

impl Call<'_> {
    /// The file behind a descriptor.
    pub(super) fn file(&self, fd: Fd) -> Result<Arc<OpenFile>> {
        self.task.files(self.cx).get(self.cx, fd)
    }

    /// The file behind a descriptor, which may be one that only stands for a place (O_PATH).
    pub(super) fn any_file(&self, fd: Fd) -> Result<Arc<OpenFile>> {
        self.task.files(self.cx).get_any(self.cx, fd)
    }

    /// Who the caller is to files.
    pub(super) fn who(&self) -> Arc<Credentials> {
        self.task.credentials(self.cx)
    }

    /// How many descriptors the caller may have.
    pub(super) fn file_limit(&self) -> u64 {
        self.process().limit(Resource::OpenFiles)
    }

    /// Takes the number of a description before it is made: EMFILE is to undo nothing.
    pub(crate) fn reserve_fd(&self) -> Result<Reservation> {
        self.task.files(self.cx).reserve(self.cx, self.file_limit())
    }

    /// Numbers a new description.
    pub(super) fn install(&self, file: Arc<OpenFile>, closes_on_exec: bool) -> Result<u64> {
        Ok(self.task.files(self.cx).insert(self.cx, file, closes_on_exec, self.file_limit())?.into())
    }

    /// Where the caller's walks begin, and with whose rights: root, start of a relative path, credentials. One look at the
    /// caller for all three.
    pub(super) fn scene(&self, fd: Fd, text: &[u8]) -> Result<(Path, Path, Arc<Credentials>)> {
        let (context, who) =
            self.task.with_resources(self.cx, |resources| (resources.fs.clone(), resources.credentials.clone()));
        let (root, working) = context.ok_or(Errno::ESRCH)?.places(self.cx);
        let is_from_working = fd == Fd::CWD || text.first() == Some(&b'/');
        let start = if is_from_working { working } else { self.any_file(fd)?.path().clone() };
        Ok((root, start, who))
    }

    /// The existing place that the path means.
    pub(super) fn resolve(&mut self, fd: Fd, path: UserCStr, links: Links) -> Result<Path> {
        let text = PathText::read(self.cx, path)?;
        self.resolve_text(fd, text.bytes(), links)
    }

    /// The same for a path already copied in.
    pub(super) fn resolve_text(&mut self, fd: Fd, text: &[u8], links: Links) -> Result<Path> {
        let (root, start, who) = self.scene(fd, text)?;
        Walk::within(root, &who).resolve(self.cx, start, text, links == Links::Follow)
    }

    /// The same; an empty path means the descriptor itself if `flags` have AT_EMPTY_PATH.
    pub(super) fn resolve_or_file(&mut self, fd: Fd, path: UserCStr, flags: u32) -> Result<Path> {
        // LINUX: with AT_EMPTY_PATH a null path is as good as an empty one.
        let may_be_empty = flags & AT_EMPTY_PATH != 0;
        let text = if may_be_empty && path.0.is_null() { PathText::empty() } else { PathText::read(self.cx, path)? };
        if text.bytes().is_empty() && may_be_empty {
            return if fd == Fd::CWD {
                Ok(self.task.fs(self.cx).working(self.cx))
            } else {
                Ok(self.any_file(fd)?.path().clone())
            };
        }
        self.resolve_text(fd, text.bytes(), Links::unless_forbidden(flags))
    }

    /// The directory and last component that the path means.
    pub(super) fn resolve_parent(&mut self, fd: Fd, path: UserCStr) -> Result<NamedPlace> {
        let text = PathText::read(self.cx, path)?;
        let (root, start, who) = self.scene(fd, text.bytes())?;
        let (parent, last) = Walk::within(root, &who).resolve_parent(self.cx, start, text.bytes())?;
        Ok(NamedPlace { parent, last })
    }

    /// Directory and name for something new: EEXIST for `.`, `..` and `/`. Slashes behind the name are for directories
    /// only.
    pub(super) fn resolve_new(&mut self, fd: Fd, path: UserCStr, is_directory: bool) -> Result<(Path, Vec<u8>)> {
        let NamedPlace { parent, last } = self.resolve_parent(fd, path)?;
        let Last::Name { name, has_slash } = last else { return Err(Errno::EEXIST) };
        if has_slash && !is_directory {
            let who = self.who();
            let child = Walk::within(parent.clone(), &who).child(self.cx, &parent, &name)?;
            return Err(if child.dentry.inode().is_some() { Errno::EEXIST } else { Errno::ENOENT });
        }
        Ok((parent, name))
    }
}

/// Bytes of a path that need no memory of their own.
const SHORT_BYTES: usize = 104;

/// A path copied in. Short ones, which nearly all are, stay on the stack.
pub(super) enum PathText {
    /// In place: bytes and length.
    Short([u8; SHORT_BYTES], usize),
    /// In memory of its own.
    Long(Vec<u8>),
}

impl PathText {
    /// The empty path.
    pub(super) const fn empty() -> PathText {
        PathText::Short([0; SHORT_BYTES], 0)
    }

    /// Copies a path in.
    #[inline]
    pub(super) fn read(cx: &mut CurrentThread, path: UserCStr) -> Result<PathText> {
        let mut bytes = [0; SHORT_BYTES];
        match user_copy::read_string(cx, path.0, &mut bytes)? {
            Some(length) => Ok(PathText::Short(bytes, length)),
            None => path.read_path(cx).map(PathText::Long),
        }
    }

    /// Its bytes.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            PathText::Short(bytes, length) => &bytes[..*length],
            PathText::Long(bytes) => bytes,
        }
    }
}

/// EROFS or EPERM unless the caller may change the inode's attributes as its owner.
pub(super) fn check_owner(call: &Call<'_>, path: &Path, inode: &dyn Inode) -> Result<()> {
    path.mount.check_writable()?;
    let attributes = inode.base().attributes(call.cx);
    if crate::fs::permission::is_owner(&call.who(), &attributes) { Ok(()) } else { Err(Errno::EPERM) }
}
