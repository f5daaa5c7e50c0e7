//! A second mapping of pages of the image's code, in which they can be written for a moment. The code's own mappings never can (W^X).
//!
//! The addresses are reserved once, as many as the code has; pages are mapped there by [`CodeWindow::open`] and taken away by
//! [`CodeWindow::close`]. One window at a time (`function_probe::arm` sees to it).
use super::{flush, kernel_map};
use crate::addr::PAGE_SIZE;
use crate::arch::page_table;
use crate::thread::CurrentThread;

/// See the module.
pub(crate) struct CodeWindow {
    base: usize,
    code_start: usize,
    /// First and last page that may be mapped, counted from the code's start.
    pages: (usize, usize),
}

impl CodeWindow {
    /// Maps the pages in which `addresses` of the image's code lie. `None`: no memory, or an address is none of the code.
    pub(crate) fn open(addresses: impl Iterator<Item = usize>) -> Option<CodeWindow> {
        let code = kernel_map::code();
        let base = kernel_map::code_window()?;
        let mut window = CodeWindow { base, code_start: code.start, pages: (usize::MAX, 0) };
        for address in addresses {
            let page = address.checked_sub(code.start).filter(|_| address < code.end)? / PAGE_SIZE;
            let is_mapped = kernel_map::map_code(base + page * PAGE_SIZE, code.start + page * PAGE_SIZE);
            window.pages = (window.pages.0.min(page), window.pages.1.max(page));
            if is_mapped.is_err() {
                window.take_away();
                return None;
            }
        }
        page_table::publish();
        Some(window)
    }

    /// Where the code at `address` can be written.
    pub(crate) fn place(&self, address: usize) -> *mut u8 {
        core::ptr::with_exposed_provenance_mut(self.base + (address - self.code_start))
    }

    /// Takes the mappings away, on every CPU. Interrupts are on.
    pub(crate) fn close(self, _cx: &mut CurrentThread) {
        self.take_away();
        flush::kernel_everywhere();
    }

    fn take_away(&self) {
        for page in self.pages.0..=self.pages.1 {
            kernel_map::unmap_code(self.base + page * PAGE_SIZE);
        }
    }
}
