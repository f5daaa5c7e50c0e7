//! Who a task acts as. Immutable once shared: a change makes a new object (`Arc`), so that readers need no lock.
use super::capability::{Capability, CapabilitySet, secure_bits};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Deref;

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

/// The rights that go beyond a user's (`capabilities(7)`).
///
/// # Invariants
/// What is effective is permitted; what is ambient is permitted and inheritable.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CapabilitySets {
    /// What checks look at.
    pub effective: CapabilitySet,
    /// What may become effective.
    pub permitted: CapabilitySet,
    /// What may stay over exec.
    pub inheritable: CapabilitySet,
    /// What exec can give.
    pub bounding: CapabilitySet,
    /// What stays over exec whatever the file is.
    pub ambient: CapabilitySet,
}

/// Supplementary groups, in rising order. They may be many, so those who have the same share them: a copy takes no memory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Groups(Option<Arc<Vec<u32>>>);

impl Groups {
    /// None.
    pub const NONE: Groups = Groups(None);

    /// These, in any order.
    pub fn new(mut groups: Vec<u32>) -> Groups {
        groups.sort_unstable();
        Groups(Some(Arc::new(groups)))
    }
    /// Whether a group is among them.
    pub fn has(&self, group: u32) -> bool {
        self.binary_search(&group).is_ok()
    }
}

impl Deref for Groups {
    type Target = [u32];
    fn deref(&self) -> &[u32] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

/// User, groups, rights.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Credentials {
    /// User ids.
    pub uid: Ids,
    /// Group ids.
    pub gid: Ids,
    /// Supplementary groups.
    pub groups: Groups,
    /// Capabilities.
    pub capabilities: CapabilitySets,
    /// What user 0 means for them: bits of [`secure_bits`].
    pub secure_bits: u32,
}

impl Credentials {
    /// The superuser.
    pub const fn root() -> Credentials {
        const ALL: CapabilitySet = CapabilitySet::ALL;
        const NONE: CapabilitySet = CapabilitySet::EMPTY;
        Credentials {
            uid: Ids::all(0),
            gid: Ids::all(0),
            groups: Groups::NONE,
            capabilities: CapabilitySets {
                effective: ALL,
                permitted: ALL,
                inheritable: NONE,
                bounding: ALL,
                ambient: NONE,
            },
            secure_bits: 0,
        }
    }
    /// Whether a capability is in effect.
    pub const fn may(&self, capability: Capability) -> bool {
        self.capabilities.effective.contains(capability)
    }
    /// Whether a bit of [`secure_bits`] is set.
    pub const fn is_secure(&self, bit: u32) -> bool {
        self.secure_bits & bit != 0
    }
    /// What a change of users does to the capabilities: `old` is who the task was. Leaving user 0 gives them up, acting as user 0
    /// brings the permitted ones into effect.
    pub fn fix_up_rights(&mut self, old: &Ids) {
        if self.is_secure(secure_bits::NO_FIX_UP) {
            return;
        }
        let is_root = |ids: &Ids| ids.real == 0 || ids.effective == 0 || ids.saved == 0;
        if is_root(old) && !is_root(&self.uid) {
            if !self.is_secure(secure_bits::KEEP) {
                self.capabilities.permitted = CapabilitySet::EMPTY;
                self.capabilities.effective = CapabilitySet::EMPTY;
            }
            self.capabilities.ambient = CapabilitySet::EMPTY;
        }
        match (old.effective, self.uid.effective) {
            (0, new) if new != 0 => self.capabilities.effective = CapabilitySet::EMPTY,
            (old, 0) if old != 0 => self.capabilities.effective = self.capabilities.permitted,
            _ => {}
        }
    }
    /// The same where only the user for file access changes, from `old`.
    pub fn fix_up_rights_of_files(&mut self, old: u32) {
        if self.is_secure(secure_bits::NO_FIX_UP) {
            return;
        }
        let sets = &mut self.capabilities;
        match (old, self.uid.file_system) {
            (0, new) if new != 0 => sets.effective = sets.effective.without(CapabilitySet::OF_FILES),
            (old, 0) if old != 0 => {
                sets.effective = sets.effective.union(sets.permitted.intersection(CapabilitySet::OF_FILES));
            }
            _ => {}
        }
    }
    /// Whether `gid` is the group for file access or a supplementary group.
    pub fn is_in_group(&self, gid: u32) -> bool {
        self.gid.file_system == gid || self.groups.has(gid)
    }
}
