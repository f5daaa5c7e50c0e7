//! Finds the virtio devices and starts their drivers.
use super::transport::{DeviceId, Transport, VirtioError};
use super::{console, rng};
use machine::log;
use machine::platform;
use machine::thread::CurrentThread;

/// Starts every device there is a driver for. A device that fails is logged and left alone.
pub fn start(cx: &mut CurrentThread) {
    for found in platform::virtio_mmio() {
        let transport = match Transport::probe(&found) {
            Ok(transport) => transport,
            Err(VirtioError::NoDevice) => continue,
            Err(error) => {
                log!(Warn, "virtio window {:?}: {error:?}", found.window);
                continue;
            }
        };
        let device = transport.device();
        let result = match device {
            DeviceId::CONSOLE => console::start(cx, transport),
            DeviceId::ENTROPY => rng::start(cx, transport),
            _ => continue,
        };
        if let Err(error) = result {
            log!(Error, "virtio {device:?} in {:?} could not be started: {error:?}", found.window);
        }
    }
}
