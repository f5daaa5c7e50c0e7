// E0603: nobody outside `machine` can claim to be a context that locks accept.
#![no_std]
use machine::thread::{Context, private};

pub struct Fake;
impl private::Sealed for Fake {}
impl Context for Fake {}
