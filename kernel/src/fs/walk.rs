//! Path walks: from a name to the place it means, as `path_resolution(7)` describes.
//!
//! Main type: [`Walk`], one walk with its root, its credentials and its count of symbolic links followed. Called by every
//! call that takes a path. A component that is in the cache costs one hash, one bucket and no sleeping lock.
//!
//! # Invariants
//! The walk never leaves its root upwards. At most [`MAX_LINKS`] links are followed. No lock is held between components.
use super::context::FsContext;
use super::dentry::Dentry;
use super::inode::{FileKind, Inode};
use super::path::{self, Path};
use super::permission;
use crate::errno::{Errno, Result};
use crate::task::Credentials;
use crate::trace::{self, Counter};
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::thread::CurrentThread;
use pure::path::{MAX_NAME_BYTES, split_first};

/// Symbolic links followed in one walk before ELOOP.
pub const MAX_LINKS: u32 = 40;

/// The last component of a path whose directory was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Last {
    /// A name, and whether slashes follow it.
    Name {
        /// The name.
        name: Vec<u8>,
        /// Whether it must be a directory.
        has_slash: bool,
    },
    /// The path was nothing but slashes.
    Root,
    /// `.`
    Dot,
    /// `..`
    DotDot,
}

/// One walk.
pub struct Walk<'a> {
    root: Path,
    who: &'a Credentials,
    links: u32,
    /// What `openat2` asks for besides.
    pub bounds: Bounds,
}

/// What a walk may not do; by default whatever a path says.
#[derive(Clone, Copy, Default, Debug)]
pub struct Bounds {
    /// Symbolic links are not followed at all (RESOLVE_NO_SYMLINKS).
    pub forbids_links: bool,
    /// Links to objects instead of names are not followed (RESOLVE_NO_MAGICLINKS).
    pub forbids_objects: bool,
    /// The root is the caller's choice, so that no link to an object may lead out of it (RESOLVE_IN_ROOT, RESOLVE_BENEATH).
    pub is_scoped: bool,
    /// Not even the attempt to leave the root is allowed, nor to name it by `/` (RESOLVE_BENEATH).
    pub stays_beneath: bool,
    /// Mounts are not crossed in either direction (RESOLVE_NO_XDEV).
    pub stays_on_mount: bool,
}

impl<'a> Walk<'a> {
    /// A walk within the context's root.
    pub fn new(cx: &CurrentThread, context: &FsContext, who: &'a Credentials) -> Walk<'a> {
        Walk { root: context.root(cx), who, links: 0, bounds: Bounds::default() }
    }

    /// A walk within `root`.
    pub fn within(root: Path, who: &'a Credentials) -> Walk<'a> {
        Walk { root, who, links: 0, bounds: Bounds::default() }
    }

    /// Where the walk's `/` leads.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The existing place that `text` means from `start`. A link in the last place is followed if `follows`.
    pub fn resolve(&mut self, cx: &mut CurrentThread, start: Path, text: &[u8], follows: bool) -> Result<Path> {
        match self.walk(cx, start, text, follows, false)? {
            (path, None) => {
                path.inode()?;
                Ok(path)
            }
            (_, Some(_)) => Err(Errno::ENOENT),
        }
    }

    /// The directory of the last component of `text`, and that component.
    pub fn resolve_parent(&mut self, cx: &mut CurrentThread, start: Path, text: &[u8]) -> Result<(Path, Last)> {
        match self.walk(cx, start, text, false, true)? {
            (path, Some(last)) => Ok((path, last)),
            (path, None) => Ok((path, Last::Root)),
        }
    }

    /// What `name` is in the directory `parent`: maybe a negative entry, maybe the root of a mount. Checks the right to
    /// search.
    pub fn child(&mut self, cx: &mut CurrentThread, parent: &Path, name: &[u8]) -> Result<Path> {
        self.check_searchable(cx, parent)?;
        if name.len() > MAX_NAME_BYTES {
            return Err(Errno::ENAMETOOLONG);
        }
        trace::count(Counter::PathLookups);
        let dentry = match parent.dentry.cached(cx, name) {
            Some(dentry) => {
                trace::count(Counter::PathCacheHits);
                dentry
            }
            None => lookup(cx, parent, name)?,
        };
        let child = Path { mount: parent.mount.clone(), dentry };
        if child.dentry.is_mount_point() { self.enter_mount(cx, child) } else { Ok(child) }
    }

    /// Where the link leads if it leads to an object instead of a name.
    pub fn follow_object(&mut self, cx: &mut CurrentThread, link: &Path) -> Result<Option<Path>> {
        if self.links >= MAX_LINKS || self.bounds.forbids_links {
            return Err(Errno::ELOOP);
        }
        let object = link.inode()?.follow(cx)?;
        if let Some(object) = &object {
            self.check_jump(link, object)?;
        }
        Ok(object)
    }

    /// Follows the symbolic link `link`, found in `parent`, up to the directory of its last component.
    pub fn follow_to_parent(&mut self, cx: &mut CurrentThread, parent: Path, link: &Path) -> Result<(Path, Last)> {
        match self.read_link(cx, link)? {
            Target::Object(_) => Err(Errno::EEXIST),
            Target::Text(text) => {
                let start = if text.first() == Some(&b'/') { self.jump_to_root(Some(&parent))? } else { parent };
                self.resolve_parent(cx, start, &text)
            }
        }
    }

    fn walk(
        &mut self,
        cx: &mut CurrentThread,
        start: Path,
        text: &[u8],
        follows: bool,
        wants_parent: bool,
    ) -> Result<(Path, Option<Last>)> {
        let Some(&first) = text.first() else { return Err(Errno::ENOENT) };
        let mut at = if first == b'/' { self.jump_to_root(None)? } else { start };
        // The rest of a path into which a link's target was put; `text` while there was no link.
        let mut spliced: Vec<u8>;
        let mut rest = text;
        while let Some(step) = split_first(rest) {
            let is_last = step.rest.is_empty();
            if wants_parent && is_last {
                require_directory(&at)?;
                self.check_searchable(cx, &at)?;
                return Ok((at, Some(last(step.name, step.has_slash)?)));
            }
            rest = step.rest;
            match step.name {
                b"." => {
                    require_directory(&at)?;
                    self.check_searchable(cx, &at)?;
                    continue;
                }
                b".." => {
                    require_directory(&at)?;
                    self.check_searchable(cx, &at)?;
                    at = self.up(cx, at)?;
                    continue;
                }
                _ => {}
            }
            let child = self.child(cx, &at, step.name)?;
            let Some(inode) = child.dentry.inode() else { return Err(Errno::ENOENT) };
            match inode.base().kind {
                FileKind::Symlink if !is_last || step.has_slash || follows => {
                    match self.read_link(cx, &child)? {
                        Target::Object(path) => at = path,
                        Target::Text(target) => {
                            let mut text = Vec::new();
                            text.try_reserve_exact(target.len() + 1 + rest.len())?;
                            text.extend_from_slice(&target);
                            if step.has_slash {
                                text.push(b'/');
                            }
                            text.extend_from_slice(rest);
                            if text.first() == Some(&b'/') {
                                at = self.jump_to_root(Some(&at))?;
                            }
                            spliced = text;
                            rest = &spliced;
                            continue;
                        }
                    }
                    if step.has_slash {
                        require_directory(&at)?;
                    }
                }
                FileKind::Directory => at = child,
                _ if step.has_slash => return Err(Errno::ENOTDIR),
                _ => at = child,
            }
        }
        Ok((at, None))
    }

    /// ENOTDIR or EACCES unless `path` is a directory that may be searched.
    fn check_searchable(&self, cx: &CurrentThread, path: &Path) -> Result<()> {
        let base = path.inode()?.base();
        if base.kind != FileKind::Directory {
            return Err(Errno::ENOTDIR);
        }
        permission::check(cx, self.who, base, permission::EXECUTE)
    }

    /// The parent of `at`, across mounts, not above the root.
    fn up(&self, cx: &CurrentThread, at: Path) -> Result<Path> {
        if self.bounds.stays_beneath && at.is(&self.root) {
            return Err(Errno::EXDEV);
        }
        let mount = at.mount.clone();
        let parent = parent_within(cx, at, &self.root);
        if self.bounds.stays_on_mount && !Arc::ptr_eq(&parent.mount, &mount) {
            return Err(Errno::EXDEV);
        }
        // LINUX: a directory that is moved out of the root while a walk is in it must not lead out of it. That was a race.
        if self.bounds.is_scoped && !is_beneath(cx, parent.clone(), &self.root) {
            return Err(Errno::EAGAIN);
        }
        Ok(parent)
    }

    /// The root, where a path or the target of a link found in `from` begins with a slash.
    fn jump_to_root(&self, from: Option<&Path>) -> Result<Path> {
        let leaves_mount = from.is_some_and(|from| !Arc::ptr_eq(&from.mount, &self.root.mount));
        if self.bounds.stays_beneath || self.bounds.stays_on_mount && leaves_mount {
            return Err(Errno::EXDEV);
        }
        Ok(self.root.clone())
    }

    /// What is mounted at `at`.
    fn enter_mount(&self, cx: &CurrentThread, at: Path) -> Result<Path> {
        let mount = at.mount.clone();
        let inside = path::cross(cx, at);
        if self.bounds.stays_on_mount && !Arc::ptr_eq(&inside.mount, &mount) {
            return Err(Errno::EXDEV);
        }
        Ok(inside)
    }

    /// Whether the link `from` may lead to an object.
    fn check_jump(&self, from: &Path, object: &Path) -> Result<()> {
        if self.bounds.forbids_objects {
            return Err(Errno::ELOOP);
        }
        let leaves_mount = self.bounds.stays_on_mount && !Arc::ptr_eq(&from.mount, &object.mount);
        // LINUX: nobody knows of an object whether it lies within the root.
        if leaves_mount || self.bounds.is_scoped { Err(Errno::EXDEV) } else { Ok(()) }
    }

    fn read_link(&mut self, cx: &mut CurrentThread, link: &Path) -> Result<Target> {
        self.links += 1;
        if self.links > MAX_LINKS || self.bounds.forbids_links {
            return Err(Errno::ELOOP);
        }
        let inode = link.inode()?;
        if let Some(path) = inode.follow(cx)? {
            self.check_jump(link, &path)?;
            return Ok(Target::Object(path));
        }
        let target = inode.read_link(cx)?;
        inode.base().mark_accessed(cx);
        // LINUX: an empty link cannot be made, but if a file system has one the walk ends with ENOENT.
        if target.is_empty() { Err(Errno::ENOENT) } else { Ok(Target::Text(target)) }
    }
}

/// Where a link leads.
enum Target {
    Text(Arc<[u8]>),
    Object(Path),
}

/// The parent of `at`, across mounts; of `root` and of what has none, itself.
fn parent_within(cx: &CurrentThread, mut at: Path, root: &Path) -> Path {
    while !at.is(root) {
        if at.is_mount_root() {
            match at.mount.on.clone() {
                Some(on) => at = on,
                None => return at,
            }
            continue;
        }
        if let Some(parent) = at.dentry.parent(cx) {
            at.dentry = parent;
        }
        return path::cross(cx, at);
    }
    at
}

/// Whether the way up from `at` leads to `root`.
fn is_beneath(cx: &CurrentThread, mut at: Path, root: &Path) -> bool {
    while !at.is(root) {
        let parent = parent_within(cx, at.clone(), root);
        if parent.is(&at) {
            return false;
        }
        at = parent;
    }
    true
}

fn last(name: &[u8], has_slash: bool) -> Result<Last> {
    Ok(match name {
        b"." => Last::Dot,
        b".." => Last::DotDot,
        _ => {
            let mut owned = Vec::new();
            owned.try_reserve_exact(name.len())?;
            owned.extend_from_slice(name);
            Last::Name { name: owned, has_slash }
        }
    })
}

fn require_directory(path: &Path) -> Result<()> {
    if path.inode()?.base().kind == FileKind::Directory { Ok(()) } else { Err(Errno::ENOTDIR) }
}

/// A look-up that the cache could not answer.
fn lookup(cx: &mut CurrentThread, parent: &Path, name: &[u8]) -> Result<Arc<Dentry>> {
    if !parent.inode()?.caches_names() {
        let inode = parent.inode()?.lookup(cx, name)?;
        return Ok(Dentry::new_child(&parent.dentry, name, inode));
    }
    let super_block = &parent.mount.super_block;
    let _names = super_block.rename_lock.read(cx);
    let _directory = parent.dentry.children.lock(cx);
    parent.dentry.lookup_locked(cx, name)
}

/// The inode of a path, as most calls want it.
pub fn inode_of(path: &Path) -> Result<Arc<dyn Inode>> {
    path.inode().cloned()
}
