//! What a page-table entry allows, as shared code says it; each architecture turns it into bits.

/// Rights and memory type of a mapping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rights {
    /// Reachable from user mode.
    pub is_user: bool,
    /// Loads allowed. False keeps the frame's address in an entry that traps (PROT_NONE).
    pub is_readable: bool,
    /// Stores allowed.
    pub is_writable: bool,
    /// Fetches allowed.
    pub is_executable: bool,
    /// Device memory: uncached, no speculation.
    pub is_device: bool,
}

impl Rights {
    /// The kernel's own data: read and write.
    pub const KERNEL_DATA: Rights =
        Rights { is_user: false, is_readable: true, is_writable: true, is_executable: false, is_device: false };
    /// The kernel's constants.
    pub const KERNEL_CONSTANT: Rights = Rights { is_writable: false, ..Rights::KERNEL_DATA };
    /// The kernel's code.
    pub const KERNEL_CODE: Rights = Rights { is_writable: false, is_executable: true, ..Rights::KERNEL_DATA };
    /// Registers of a device.
    pub const DEVICE: Rights = Rights { is_device: true, ..Rights::KERNEL_DATA };
}
