//! Trace programs as users write them: whatever the text, clauses or a mistake that points into it, never a panic.
#![no_main]
use libfuzzer_sys::fuzz_target;

/// The tool's own modules: the parser needs nothing else of it.
#[allow(dead_code)]
#[path = "../../../tool/src/trace"]
mod trace {
    pub(crate) mod parse;
    pub(crate) mod source;
    pub(crate) mod syntax;
}

fuzz_target!(|text: &str| {
    if let Err(mistake) = trace::parse::parse(text) {
        assert!(mistake.at <= text.len() && !mistake.message.is_empty());
        let shown = trace::source::Shown(text, &mistake).to_string();
        assert!(shown.lines().last().is_some_and(|mark| mark.ends_with('^')));
    }
});
