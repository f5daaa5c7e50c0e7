//! Who a task acts as. Immutable once shared: a change makes a new object (`Arc`), so that readers need no lock.
use alloc::vec::Vec;

/// The three (with the file system's, four) ids of one kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ids {
    /// Who started it.
    pub real: u32,
    /// Whose rights it has.
    pub effective: u32,
    /// What it may return to.
    pub saved: u32,
    /// For access to files.
    pub file_system: u32,
}

impl Ids {
    /// All the same.
    pub const fn all(id: u32) -> Ids {
        Ids { real: id, effective: id, saved: id, file_system: id }
    }
}

/// User, groups.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Credentials {
    /// User ids.
    pub uid: Ids,
    /// Group ids.
    pub gid: Ids,
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

impl Credentials {
    /// The superuser.
    pub const fn root() -> Credentials {
        Credentials { uid: Ids::all(0), gid: Ids::all(0), groups: Vec::new() }
    }
    /// Whether the effective user is the superuser. Capabilities are not modelled apart from this.
    pub const fn is_privileged(&self) -> bool {
        self.uid.effective == 0
    }
    /// Whether `gid` is the group for file access or a supplementary group.
    pub fn is_in_group(&self, gid: u32) -> bool {
        self.gid.file_system == gid || self.groups.contains(&gid)
    }
}
