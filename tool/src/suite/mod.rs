//! The project's tests, as `ochre test` runs them: each suite gives a [`report::Report`].
//!
//! `programs` builds the test programs of `user/`; `host` runs what needs no machine; `guest` runs the test programs, on the
//! host's Linux first, then in machines; the system tests are a program of their own (`tests/`), run by `host`.

pub(crate) mod guest;
pub(crate) mod host;
pub(crate) mod programs;
pub(crate) mod report;
