//! Virtio devices over virtio-mmio, versions 1 (legacy) and 2, and over PCI.
//!
//! [`transport`] speaks to a device through the registers of `mmio` or `pci`, [`queue`] puts `pure::split_ring` over DMA memory, [`port`] and [`console`] drive the
//! console device that carries the control channel, [`rng`] the entropy source. [`start`] finds what is there.
pub mod console;
mod mmio;
mod pci;
mod port;
pub mod queue;
pub mod rng;
mod start;
pub mod transport;

pub use start::start;
