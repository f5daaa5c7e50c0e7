//! `ochre bench`: our kernel beside Debian's Linux in the same machine, with the same root and the same programs.
//!
//! `linux` fetches the peer, `root` makes the one initramfs both boot, `machine` runs QEMU and takes the lines a guest
//! prints on its UART with their times, `figures` keeps samples and makes the table.

pub(crate) mod figures;
pub(crate) mod linux;
pub(crate) mod machine;
pub(crate) mod root;
