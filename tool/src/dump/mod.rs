//! Reading what a failed or hung kernel left: an image of the guest's memory, or its console.
//!
//! `image` reads the file and finds the kernel's header and page tables in it, `memory` shows rings, counters and threads by it, `console`
//! takes the epitaph out of a console's text. Files are looked at as they are: nothing in them is believed without a check.

pub(crate) mod console;
mod image;
mod memory;

pub(crate) use image::Image;
pub(crate) use memory::show;
