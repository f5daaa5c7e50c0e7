//! Entropy from the machine: RDSEED/RDRAND, RNDR, the device tree's `rng-seed`, timing jitter as the last resort.
//! A generator fit for programs (ChaCha20) is built on this in [`fill`].

/// Fills `bytes` from the kernel's cryptographic generator, seeded at boot and reseeded from devices.
pub fn fill(_bytes: &mut [u8]) {
    todo!()
}

/// Mixes `bytes` into the generator (a virtio-rng driver calls this). Never lowers its quality.
pub fn add_entropy(_bytes: &[u8]) {
    todo!()
}
