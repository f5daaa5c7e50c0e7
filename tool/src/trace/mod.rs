//! What `ochre trace` does: [`parse`] reads the user's words into [`syntax`], before anything boots; [`compile`] makes a [`plan`] of them, once the
//! guest has told its probes; [`functions`] and [`user_functions`] are those of the kernel and of programs that probes can stand at; [`merge`] puts the records of all CPUs in the order
//! of time; [`show`], [`printf`] and [`aggregation`] make text of what comes, with the names of what the guest [`kept`]; [`tracer`] is the
//! observer that ties them together. Mistakes point at their place in the text ([`source`]).
mod aggregation;
mod aggregation_text;
mod compile;
mod functions;
mod kept;
mod merge;
mod parse;
mod plan;
mod printf;
mod show;
mod source;
mod syntax;
mod tracer;
mod user_functions;

pub(crate) use tracer::Tracer;
