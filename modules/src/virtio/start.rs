//! Finds the virtio devices and starts their drivers.
use super::transport::{DeviceId, Transport, VirtioError};
use super::{console, mmio, pci, rng};
use machine::log;
use machine::platform;
use machine::thread::CurrentThread;

/// Starts every device there is a driver for. A device that fails is logged and left alone.
pub fn start(cx: &mut CurrentThread) {
    for found in platform::virtio_mmio() {
        match mmio::probe(&found) {
            Ok(transport) => start_one(cx, transport),
            Err(VirtioError::NoDevice) => {}
            Err(error) => log!(Warn, "virtio window {:?}: {error:?}", found.window),
        }
    }
    for transport in pci::probe_all() {
        start_one(cx, transport);
    }
}

fn start_one(cx: &mut CurrentThread, transport: Transport) {
    let device = transport.device();
    let result = match device {
        DeviceId::CONSOLE => console::start(cx, transport),
        DeviceId::ENTROPY => rng::start(cx, transport),
        _ => return,
    };
    if let Err(error) = result {
        log!(Error, "virtio {device:?} could not be started: {error:?}");
    }
}
