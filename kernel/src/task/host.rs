//! The machine's names: host name, domain, and what `uname` answers.
use abi::Utsname;
use machine::sync::SpinLock;

/// Linux release whose interface we follow.
pub const RELEASE: &str = "6.12.0-ochre";
/// Version text of `uname -v`.
pub const VERSION: &str = concat!("#1 SMP PREEMPT_DYNAMIC Ochre ", env!("CARGO_PKG_VERSION"));

/// Longest host or domain name.
pub const NAME_BYTES: usize = 64;

struct Names {
    node: [u8; 65],
    domain: [u8; 65],
}

static NAMES: SpinLock<Names> =
    SpinLock::new(&crate::lock_order::HOST_NAMES, Names { node: field("ochre"), domain: field("(none)") });

/// A zero-filled field with `text` at its start; text beyond 64 bytes is cut.
const fn field(text: &str) -> [u8; 65] {
    let bytes = text.as_bytes();
    let mut field = [0; 65];
    let mut index = 0;
    while index < bytes.len() && index < NAME_BYTES {
        field[index] = bytes[index];
        index += 1;
    }
    field
}

/// What `uname` answers.
pub fn utsname() -> Utsname {
    let (node, domain) = NAMES.with(|names| (names.node, names.domain));
    Utsname {
        system: field("Linux"),
        node,
        release: field(RELEASE),
        version: field(VERSION),
        machine: field(machine::cpu::ARCH_NAME),
        domain,
    }
}

fn set(name: &[u8], which: impl FnOnce(&mut Names) -> &mut [u8; 65]) {
    let length = name.len().min(NAME_BYTES);
    NAMES.with(|names| {
        let field = which(names);
        *field = [0; 65];
        field[..length].copy_from_slice(&name[..length]);
    });
}

/// Sets the host name, cut at 64 bytes.
pub fn set_node_name(name: &[u8]) {
    set(name, |names| &mut names.node);
}

/// Sets the domain name, cut at 64 bytes.
pub fn set_domain_name(name: &[u8]) {
    set(name, |names| &mut names.domain);
}
