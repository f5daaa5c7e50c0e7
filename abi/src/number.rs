//! System call numbers and names of the architecture built for, and of both for documentation.
use syscalls::Sysno;

/// One above the largest call number of either architecture.
pub const COUNT: usize = 512;

/// Linux's name of a call: the crate's, but for ARM64's number 79, which its table calls by an older header's name.
const fn linux_name(call: &'static str) -> &'static str {
    if is_same(call, "fstatat") { "newfstatat" } else { call }
}

const fn names() -> [&'static str; COUNT] {
    let mut names = [""; COUNT];
    let mut number = 0;
    while number < COUNT {
        if let Some(call) = Sysno::new(number) {
            names[number] = linux_name(call.name());
        }
        number += 1;
    }
    names
}

/// Names by number; empty where Linux has no call.
#[allow(long_running_const_eval, reason = "a few hundred thousand steps, once")]
pub static NAMES: [&str; COUNT] = names();
#[allow(long_running_const_eval, reason = "a few hundred thousand steps, once")]
const NAMES_CONST: [&str; COUNT] = names();

/// Whether two names are the same; for constants, which cannot compare with `==`.
pub const fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut index = 0;
    while index < a.len() {
        if a[index] != b[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// The number of the call `name` on this architecture, or `None` where Linux does not have it there.
pub const fn of(name: &str) -> Option<usize> {
    let mut number = 0;
    while number < COUNT {
        if is_same(NAMES_CONST[number], name) {
            return Some(number);
        }
        number += 1;
    }
    None
}

/// The name of a call number, if Linux has such a call.
pub fn name(number: u64) -> Option<&'static str> {
    let name = NAMES.get(usize::try_from(number).ok()?)?;
    (!name.is_empty()).then_some(name)
}

/// The numbers of the call `name` on (x86-64, ARM64), for documents.
pub fn on_both(name: &str) -> (Option<u32>, Option<u32>) {
    let x86_64 =
        syscalls::x86_64::Sysno::iter().find(|call| linux_name(call.name()) == name).map(|call| call.id() as u32);
    let aarch64 =
        syscalls::aarch64::Sysno::iter().find(|call| linux_name(call.name()) == name).map(|call| call.id() as u32);
    (x86_64, aarch64)
}

/// Every call name of either architecture, x86-64's order first, for documents.
pub fn each_name(visit: &mut dyn FnMut(&'static str)) {
    for call in syscalls::x86_64::Sysno::iter() {
        visit(linux_name(call.name()));
    }
    for call in syscalls::aarch64::Sysno::iter() {
        let name = linux_name(call.name());
        if on_both(name).0.is_none() {
            visit(name);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_match_the_headers() {
        assert_eq!(super::of("read"), Some(linux_raw_sys::general::__NR_read as usize));
        assert_eq!(super::name(super::of("execve").unwrap() as u64), Some("execve"));
        assert_eq!(super::on_both("write"), (Some(1), Some(64)));
        assert_eq!(super::on_both("open"), (Some(2), None));
        assert_eq!(super::on_both("newfstatat"), (Some(262), Some(79)));
        assert_eq!(super::of("no_such_call"), None);
        assert_eq!(super::name(u64::MAX), None);
    }
}
