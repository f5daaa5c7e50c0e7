//! Reading what a failed or hung kernel left: an image of the guest's memory, or its console.
//!
//! `image` reads the file and finds the kernel's header and page tables in it, `memory` shows by it where CPUs were, rings, counters and
//! threads, `held` their locks, `console` takes the epitaph out of a console's text. Files are looked at as they are: nothing in them is
//! believed without a check.

pub(crate) mod console;
mod held;
mod image;
mod memory;

pub(crate) use image::Image;
pub(crate) use memory::show;
