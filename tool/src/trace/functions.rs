//! The kernel's functions that can have probes, under the names by which they are asked for: `fbt:MODULE:FUNCTION:entry` and `:return`. The module is the
//! crate, the function its path in it; of generic functions and implementations of traits only what tells them apart to a reader is kept.
use super::user_functions::UserFiles;
use crate::symbols::KernelSymbols;
use wire::symbols::may_have_probe;
use wire::trace::ArgumentKind;

/// A function, or several that a reader cannot tell apart (copies for several types).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TracedFunction {
    /// Whose probes these are.
    pub(crate) provider: Provider,
    /// Where it is.
    pub(crate) boundary: Boundary,
    /// The crate; a program's file as the user named it.
    pub(crate) module: String,
    /// The path in the crate; a program's symbol.
    pub(crate) name: String,
    /// Where it begins: addresses in the kernel, offsets in a program's file.
    pub(crate) addresses: Vec<u64>,
}

/// Where a probe of a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Boundary {
    /// Where it begins.
    Entry,
    /// Wherever it is left.
    Return,
}

impl Boundary {
    /// Both.
    pub(crate) const ALL: [Boundary; 2] = [Boundary::Entry, Boundary::Return];

    /// The last part of the probe's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Boundary::Entry => "entry",
            Boundary::Return => "return",
        }
    }
}

/// Who has functions with probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    /// The kernel.
    Kernel,
    /// A program's file.
    User,
}

impl TracedFunction {
    /// The provider's name.
    pub(crate) fn provider_name(&self) -> &'static str {
        match self.provider {
            Provider::Kernel => "fbt",
            Provider::User => "uprobe",
        }
    }
    /// The whole name of the probe.
    pub(crate) fn probe_name(&self) -> String {
        let end = if self.provider == Provider::Kernel { [":", self.boundary.name()].concat() } else { String::new() };
        format!("{}:{}:{}{end}", self.provider_name(), self.module, self.name)
    }
}

/// All of them.
#[derive(Default)]
pub(crate) struct Catalog {
    functions: Vec<TracedFunction>,
    /// Those of programs that the trace program names.
    pub(crate) user: UserFiles,
    /// What their probes at entries tell.
    pub(crate) arguments: Vec<(String, ArgumentKind)>,
}

impl Catalog {
    /// Of the image that boots.
    pub(crate) fn new(kernel: &KernelSymbols) -> Catalog {
        Catalog::of(kernel.functions())
    }

    pub(super) fn of<'a>(all: impl Iterator<Item = (u64, &'a str)>) -> Catalog {
        let mut named: Vec<(String, String, u64)> = all
            .filter(|(_, name)| may_have_probe(name))
            .filter_map(|(address, name)| {
                let path = plain_path(name);
                let (module, function) = path.split_once("::")?;
                Some((module.to_string(), function.to_string(), address))
            })
            .collect();
        named.sort();
        let mut functions: Vec<TracedFunction> = Vec::new();
        for (module, name, address) in named {
            match functions.last_mut().filter(|last| last.module == module && last.name == name) {
                Some(last) => last.addresses.push(address),
                None => functions.push(TracedFunction {
                    provider: Provider::Kernel,
                    boundary: Boundary::Entry,
                    module,
                    name,
                    addresses: vec![address],
                }),
            }
        }
        let arguments = (0..6).map(|number| (format!("arg{number}"), ArgumentKind::Hex)).collect();
        Catalog { functions, user: UserFiles::default(), arguments }
    }

    /// What functions' probes tell there.
    pub(crate) fn arguments_of(&self, boundary: Boundary) -> &[(String, ArgumentKind)] {
        match boundary {
            Boundary::Entry => &self.arguments,
            // Two registers hold what C's functions return.
            Boundary::Return => self.arguments.get(..2).unwrap_or_default(),
        }
    }

    /// Those whose names match; an empty pattern matches all.
    pub(crate) fn matching(&self, module: &str, function: &str) -> Vec<&TracedFunction> {
        let is_match =
            |pattern: &str, text: &str| pattern.is_empty() || pure::glob::matches(pattern.as_bytes(), text.as_bytes());
        let meant = |one: &&TracedFunction| is_match(module, &one.module) && is_match(function, &one.name);
        self.functions.iter().filter(meant).collect()
    }
}

/// A function's path without what stands in angle brackets, but for the type that is meant: `<a::B<C> as d::E>::f` is `a::B::f`, and
/// `a::<impl b::C>::d` is `a::C::d`.
fn plain_path(name: &str) -> String {
    let mut plain = String::new();
    let mut rest = name;
    while let Some(open) = rest.find('<') {
        plain.push_str(&rest[..open]);
        let inner_end = end_of_brackets(&rest[open..]);
        let inner = &rest[open + 1..open + inner_end];
        rest = rest.get(open + inner_end + 1..).unwrap_or("");
        if plain.is_empty() {
            plain.push_str(&plain_path(before_as(inner)));
        } else if let Some(implemented) = inner.strip_prefix("impl ") {
            // `impl Trait for Type`, or the type alone.
            let of = implemented.rsplit(" for ").next().unwrap_or(implemented);
            plain.push_str(plain_path(of).rsplit("::").next().unwrap_or_default());
        } else {
            plain.truncate(plain.trim_end_matches("::").len());
        }
    }
    plain.push_str(rest);
    plain
}

/// Where the bracket closes that `text` opens with; its end if it was cut.
fn end_of_brackets(text: &str) -> usize {
    let mut depth = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '<' => depth += 1,
            // Not the arrow of a function's type.
            '>' if !text[..at].ends_with('-') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The type in `Type as Trait`.
fn before_as(text: &str) -> &str {
    let mut depth = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '<' => depth += 1,
            '>' if !text[..at].ends_with('-') => depth -= 1,
            ' ' if depth == 0 && text[at..].starts_with(" as ") => return &text[..at],
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_paths() {
        for (name, path) in [
            ("kernel::fs::page_cache::PageCache::find", "kernel::fs::page_cache::PageCache::find"),
            ("<kernel::fs::tmpfs::TmpInode as kernel::fs::inode::Inode>::read", "kernel::fs::tmpfs::TmpInode::read"),
            ("<kernel::a::B<kernel::c::D> as core::fmt::Display>::fmt", "kernel::a::B::fmt"),
            (
                "kernel::net::file::<impl kernel::net::socket::Socket>::read_bytes",
                "kernel::net::file::Socket::read_bytes",
            ),
            ("kernel::a::<impl core::convert::From<kernel::b::C> for kernel::d::E>::from", "kernel::a::E::from"),
            ("kernel::a::wait::<fn(u8) -> u8>", "kernel::a::wait"),
            ("kernel::a::b::{{closure}}", "kernel::a::b::{{closure}}"),
            ("<kernel::a::Cut as core::convert::Fro", "kernel::a::Cut"),
            ("kernel::a::b<cut", "kernel::a::b"),
        ] {
            assert_eq!(plain_path(name), path);
        }
    }

    #[test]
    fn functions_are_found_by_pattern() {
        let all = [
            (0x10, "kernel::fs::page_cache::PageCache::find"),
            (0x20, "<kernel::fs::A as kernel::fs::Inode>::page_cache"),
            (0x30, "<kernel::fs::A as kernel::fs::Other>::page_cache"),
            (0x40, "modules::virtio::block::page_cache_size"),
            (0x50, "machine::trace::page_cache"),
            (0x60, "kernel::trace::page_cache"),
        ];
        let catalog = Catalog::of(all.into_iter());
        let found = |module, function| {
            catalog.matching(module, function).iter().flat_map(|one| one.addresses.clone()).collect::<Vec<_>>()
        };
        assert_eq!(found("", "*page_cache*"), [0x20, 0x30, 0x10, 0x40]);
        assert_eq!(found("kernel", "*page_cache*"), [0x20, 0x30, 0x10]);
        assert_eq!(found("", "fs::A::page_cache"), [0x20, 0x30]);
        assert_eq!(catalog.matching("", "").len(), 3);
        assert_eq!(found("", "page_cache"), [0; 0]);
    }

    /// Random names: never a panic.
    #[test]
    fn any_name_has_a_path() {
        let pieces = ["<", ">", "::", "impl ", " as ", "a", " for ", "-", "ä", "kernel::"];
        let mut state = 7u64;
        for _ in 0..50_000 {
            let mut name = String::new();
            for _ in 0..12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                name.push_str(pieces[(state >> 33) as usize % pieces.len()]);
            }
            let _ = plain_path(&name);
        }
    }
}
