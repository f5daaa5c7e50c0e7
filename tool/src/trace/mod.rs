//! What `ochre trace` does with what the guest records: [`merge`] puts the records of all CPUs in the order of time, [`show`] makes lines of
//! them, [`tracer`] is the observer that ties them together.
mod merge;
mod show;
mod tracer;

pub(crate) use tracer::Tracer;
