//! The project's tests, as `ochre test` runs them: each suite gives a [`report::Report`].
//!
//! `programs` builds the test programs of `user/`; `host` runs what needs no machine; `guest` runs the test programs, on the
//! host's Linux first, then in machines; `named` does the same with the suite that `manifest` lists and with the stress programs; `debian`
//! runs Debian's programs; the system tests are a program of their own (`tests/`), run by `host`.

pub(crate) mod debian;
pub(crate) mod fuzz;
pub(crate) mod guest;
pub(crate) mod host;
pub(crate) mod manifest;
pub(crate) mod named;
pub(crate) mod programs;
pub(crate) mod report;
mod rust;
