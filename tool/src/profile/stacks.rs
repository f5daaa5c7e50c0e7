//! A profile with names: stacks, each with its weight.

use crate::symbols::Function;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A place in a stack.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Frame {
    /// The function.
    pub(crate) function: Function,
    /// Of the kernel.
    pub(crate) is_kernel: bool,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Samples, so many a second.
    Samples {
        /// The rate.
        hz: u32,
    },
    /// What a trace program counted.
    Events,
    /// Microseconds off the CPU.
    Microseconds,
}

/// The whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    /// What the weights are.
    pub(crate) unit: Unit,
    /// By what the process or thread is called, then the stack from the outermost frame inwards.
    pub(crate) stacks: BTreeMap<(Arc<str>, Vec<Frame>), u64>,
}

impl Profile {
    /// Nothing yet.
    pub(crate) fn new(unit: Unit) -> Profile {
        Profile { unit, stacks: BTreeMap::new() }
    }

    /// Adds to a stack.
    pub(crate) fn add(&mut self, owner: Arc<str>, frames: Vec<Frame>, weight: u64) {
        *self.stacks.entry((owner, frames)).or_default() += weight;
    }

    /// The weight of all.
    pub(crate) fn total(&self) -> u64 {
        self.stacks.values().sum()
    }
}

#[cfg(test)]
pub(super) mod sample {
    //! A small profile, for the tests of all who write one.
    use super::*;

    fn frame(name: &str, file: &str) -> Frame {
        Frame { function: Function { name: name.into(), file: file.into() }, is_kernel: file == "[kernel]" }
    }

    /// Of samples.
    pub(crate) fn profile() -> Profile {
        let mut profile = Profile::new(Unit::Samples { hz: 1000 });
        let (start, main) = (frame("_start", "/bin/work"), frame("main", "/bin/work"));
        let stack = |more: &[Frame]| [&[start.clone(), main.clone()][..], more].concat();
        let read = [frame("read", "/lib/libc.so.6"), frame("kernel::syscall::read_write::sys_read", "[kernel]")];
        profile.add("work".into(), stack(&[frame("hot", "/bin/work")]), 6);
        profile.add("work".into(), stack(&read), 3);
        profile.add("work".into(), stack(&[frame("std::vec::Vec<a; \"b\">", "/bin/work")]), 1);
        profile.add("sh".into(), vec![frame("[busybox]", "/bin/busybox")], 2);
        profile
    }
}
