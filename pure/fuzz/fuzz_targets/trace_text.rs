//! Trace programs as users write them: whatever the text, clauses or a mistake that points into it, never a panic.
#![no_main]
use libfuzzer_sys::fuzz_target;

/// The tool's own modules: the parser needs nothing else of it.
#[allow(dead_code)]
mod trace {
    #[path = "../../../../tool/src/trace/parse/mod.rs"]
    pub(crate) mod parse;
    #[path = "../../../../tool/src/trace/source.rs"]
    pub(crate) mod source;
    #[path = "../../../../tool/src/trace/syntax.rs"]
    pub(crate) mod syntax;
}

fuzz_target!(|text: &str| {
    if let Err(mistake) = trace::parse::parse(text) {
        assert!(mistake.at <= text.len() && !mistake.message.is_empty());
        let shown = trace::source::Shown(text, &mistake).to_string();
        assert!(shown.lines().last().is_some_and(|mark| mark.ends_with('^')));
    }
});
