//! Probes: points in the code that can tell what happens there, each declared once and enabled by itself.
//!
//! [`provider!`](crate::provider!) declares a provider: its probes with their typed arguments, from which come the
//! function that fires each, the switch that enables it, and its description. [`probe!`](crate::probe!) fires one: while
//! it is off, that is one load and one branch, and the arguments are not evaluated.
//!
//! Names have four parts as DTrace's have, `provider:module:function:name`; module and function may be empty, as in
//! `syscall:::entry`. Patterns match the whole name with `*` and `?`.
use super::{IS_TRACED, consumer, ring};
use crate::sync::Once;
use crate::time::Instant;
use core::fmt;
use core::sync::atomic::{AtomicU8, Ordering};
use wire::trace::{ArgumentKind, Stability};

/// Something a probe may tell: becomes one word.
pub trait ProbeValue {
    /// How it is shown.
    const KIND: ArgumentKind;
    /// The word.
    fn word(self) -> u64;
}

/// Implements [`ProbeValue`] for types that a plain conversion turns into a word.
macro_rules! values {
    ($($kind:ident: $($type:ty)+ => $convert:expr;)*) => { $($(
        impl ProbeValue for $type {
            const KIND: ArgumentKind = ArgumentKind::$kind;
            #[inline(always)]
            fn word(self) -> u64 {
                #[allow(clippy::redundant_closure_call)]
                ($convert)(self)
            }
        }
    )+)* };
}
values! {
    Unsigned: u8 u16 u32 u64 => u64::from;
    Unsigned: usize => |value| value as u64;
    Signed: i32 => |value| i64::from(value).cast_unsigned();
    Signed: i64 => i64::cast_unsigned;
    Bool: bool => u64::from;
    Hex: crate::addr::UserAddr => |value: crate::addr::UserAddr| value.0 as u64;
    Hex: crate::addr::PhysAddr => |value: crate::addr::PhysAddr| value.0;
    Unsigned: crate::thread::ThreadId => |value: crate::thread::ThreadId| value.0;
    Unsigned: Instant => |value: Instant| value.0;
    Hex: super::providers::Hex => |value: super::providers::Hex| value.0;
}

/// An argument's description.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// How it is shown.
    pub kind: ArgumentKind,
}

/// Bit of a probe's switch: its records go into the ring.
const RECORDED: u8 = 1;
/// Bit of a probe's switch: the consumer is told.
const WATCHED: u8 = 2;

/// A probe: its switch and its description.
#[derive(Debug)]
pub struct Probe {
    /// Who wants to know, as bits; zero until somebody does.
    wanted: AtomicU8,
    /// Provider in the high byte, probe in the low byte.
    pub id: u16,
    /// Name of its provider.
    pub provider: &'static str,
    /// Last part of its name.
    pub name: &'static str,
    /// What it tells, in a sentence.
    pub meaning: &'static str,
    /// Its arguments.
    pub arguments: &'static [Argument],
}

impl Probe {
    /// For [`provider!`](crate::provider!).
    #[doc(hidden)]
    pub const fn new(
        id: u16,
        provider: &'static str,
        name: &'static str,
        meaning: &'static str,
        arguments: &'static [Argument],
    ) -> Probe {
        // A probe named like a keyword is declared as a raw identifier.
        let name = if let [b'r', b'#', ..] = name.as_bytes() { name.split_at(2).1 } else { name };
        Probe { wanted: AtomicU8::new(0), id, provider, name, meaning, arguments }
    }
    /// Whether anybody wants to know when it fires.
    #[inline(always)]
    pub fn is_enabled(&self) -> bool {
        IS_TRACED && self.wanted.load(Ordering::Relaxed) != 0
    }
    /// Whether it records.
    pub fn is_recorded(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) & RECORDED != 0
    }
    /// Switches its recording.
    pub fn set_recorded(&self, is_recorded: bool) {
        self.set(RECORDED, is_recorded);
    }
    /// Switches whether the consumer is told of it, see [`set_consumer`](super::set_consumer).
    fn set_watched(&self, is_watched: bool) {
        self.set(WATCHED, is_watched);
    }
    fn set(&self, bit: u8, is_wanted: bool) {
        if is_wanted {
            self.wanted.fetch_or(bit, Ordering::Relaxed);
        } else {
            self.wanted.fetch_and(!bit, Ordering::Relaxed);
        }
    }
    /// Whether it records, and nobody else wants to know.
    #[doc(hidden)]
    #[inline(always)]
    pub fn only_records(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) == RECORDED
    }
    /// Tells the consumer, and records if that is wanted too. Use [`probe!`](crate::probe!).
    #[doc(hidden)]
    #[cold]
    #[inline(never)]
    pub fn tell(&self, arguments: &[u64]) {
        let wanted = self.wanted.load(Ordering::Relaxed);
        if wanted & WATCHED != 0 {
            consumer::fire(self.id, arguments);
        }
        if wanted & RECORDED != 0 {
            ring::record(self.id, arguments);
        }
    }
}

/// The full name.
impl fmt::Display for Probe {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:::{}", self.provider, self.name)
    }
}

/// A group of probes with one subject.
#[derive(Debug)]
pub struct Provider {
    /// High byte of its probes' numbers.
    pub id: u8,
    /// First part of its probes' names.
    pub name: &'static str,
    /// What it is about.
    pub meaning: &'static str,
    /// How far its names and data may be relied on.
    pub stability: Stability,
    /// Its probes, in order of their numbers.
    pub probes: &'static [&'static Probe],
}

/// Most providers there can be.
const PROVIDERS: usize = 32;
static REGISTERED: [Once<&'static Provider>; PROVIDERS] = [const { Once::new() }; PROVIDERS];

/// Makes a provider known by its number. Panics if the number is taken by another: the kernel's bug, seen at the first boot.
pub fn register(provider: &'static Provider) {
    let place = REGISTERED.get(provider.id as usize).unwrap_or_else(|| panic!("provider number {}", provider.id));
    let first = place.call_once(|| provider);
    assert!(core::ptr::eq(*first, provider), "providers {} and {} share a number", first.name, provider.name);
}

/// Every provider, in order of their numbers.
pub fn providers() -> impl Iterator<Item = &'static Provider> {
    REGISTERED.iter().filter_map(|place| place.get().copied())
}

/// The probe with this number.
pub(super) fn find(id: u16) -> Option<&'static Probe> {
    let [probe, provider] = id.to_le_bytes();
    REGISTERED.get(usize::from(provider))?.get()?.probes.get(usize::from(probe)).copied()
}

/// Switches whether the consumer is told of the probe with this number; a number that no probe has means nothing.
pub fn set_watched(id: u16, is_watched: bool) {
    if let Some(probe) = find(id) {
        probe.set_watched(is_watched);
    }
}

/// Enables or disables every probe whose name matches; answers how many match. Without colons in it, a pattern means a
/// whole provider: `sched` is `sched:::*`.
pub fn enable_matching(pattern: &str, is_enabled: bool) -> usize {
    let mut found = 0;
    for probe in providers().flat_map(|provider| provider.probes) {
        if matches(pattern, probe) {
            probe.set_recorded(is_enabled);
            found += 1;
        }
    }
    found
}

/// Whether `pattern` means `probe`.
pub fn matches(pattern: &str, probe: &Probe) -> bool {
    let is_match = pure::glob::matches;
    if !pattern.contains(':') {
        return is_match(pattern.as_bytes(), probe.provider.as_bytes());
    }
    // The parts, from the last one on; parts that are missing or empty match anything, as in DTrace.
    let mut parts = pattern.rsplitn(4, ':');
    let is_part = |part: Option<&str>, text: &str| {
        part.is_none_or(|part| part.is_empty() || is_match(part.as_bytes(), text.as_bytes()))
    };
    let name = parts.next();
    let (function, module) = (parts.next(), parts.next());
    is_part(name, probe.name) && is_part(function, "") && is_part(module, "") && is_part(parts.next(), probe.provider)
}

/// Declares a provider as a module: `provider! { /// Meaning. pub mod NAME = ID, STABILITY; /// Meaning. probe(argument: type, …); … }`.
/// Each probe becomes a function (used through [`probe!`](crate::probe!)) and a module of the same name with its `PROBE`;
/// the provider itself is `PROVIDER`.
#[macro_export]
macro_rules! provider {
    (
        #[doc = $about:literal]
        $visible:vis mod $provider:ident = $id:literal, $stability:ident;
        $(
            #[doc = $meaning:literal]
            $probe:ident($($argument:ident: $type:ty),* $(,)?);
        )*
    ) => {
        #[doc = $about]
        $visible mod $provider {
            #[allow(unused_imports)]
            use super::*;
            /// The probes' numbers, from their order.
            #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
            #[repr(u8)]
            enum Number { $($probe),* }
            /// The provider.
            pub static PROVIDER: $crate::trace::Provider = $crate::trace::Provider {
                id: $id,
                name: stringify!($provider),
                meaning: $about.trim_ascii(),
                stability: $crate::trace::Stability::$stability,
                probes: &[$(&$probe::PROBE),*],
            };
            $(
                #[doc = $meaning]
                pub mod $probe {
                    #[allow(unused_imports)]
                    use super::*;
                    /// Its number.
                    pub const ID: u16 = ($id << 8) | super::Number::$probe as u16;
                    /// The probe.
                    pub static PROBE: $crate::trace::Probe = $crate::trace::Probe::new(
                        ID,
                        stringify!($provider),
                        stringify!($probe),
                        $meaning.trim_ascii(),
                        &[$($crate::trace::Argument {
                            name: stringify!($argument),
                            kind: <$type as $crate::trace::ProbeValue>::KIND,
                        }),*],
                    );
                }
                #[doc = $meaning]
                #[allow(clippy::too_many_arguments)]
                // Apart from the code that it stands in, and of a piece: what its arguments and number are is known here.
                #[cold]
                #[inline(never)]
                pub fn $probe($($argument: $type),*) {
                    $(let $argument = $crate::trace::ProbeValue::word($argument);)*
                    // Apart, so that the short way keeps the arguments in registers and needs no frame for them.
                    #[cold]
                    #[inline(never)]
                    #[allow(clippy::too_many_arguments)]
                    fn tell($($argument: u64),*) {
                        $probe::PROBE.tell(&[$($argument),*]);
                    }
                    if $probe::PROBE.only_records() {
                        $crate::trace::record::<{ $probe::ID }, _>([$($argument),*]);
                    } else {
                        tell($($argument),*);
                    }
                }
            )*
        }
    };
}

/// Fires a probe if it is enabled: `probe!(sched::wakeup(thread, cpu))`. The arguments are evaluated only then.
#[macro_export]
macro_rules! probe {
    ($($path:ident)::+ ($($argument:expr),* $(,)?)) => {
        if $($path)::+::PROBE.is_enabled() {
            $($path)::+($($argument),*);
        }
    };
}
