//! From text to clauses. The language is the part of D that DTrace's users know best:
//!
//! ```text
//! clause     = probes [ "/" expression "/" ] [ "{" statements "}" ] [ ";" ]
//! probes     = pattern { "," pattern }                     provider:module:function:name, with * and ?; BEGIN; END; tick-1s
//! statement  = "@" [ name ] [ "[" expressions "]" ] "=" function "(" [ expressions ] ")"
//!            | [ ( "self" | "this" ) "->" ] name ( "=" | "+=" | "-=" | "++" | "--" ) [ expression ]
//!            | "printf" "(" text { "," expression } ")" | "trace" "(" expression ")" | "exit" "(" expression ")"
//!            | ( "stack" | "ustack" ) "(" [ number ] ")"
//!            | ( "printa" | "clear" | "trunc" | "normalize" | "denormalize" ) "(" [ text "," ] "@" [ name ] [ "," expression ] ")"
//!            | "if" "(" expression ")" branch [ "else" branch ]
//! branch     = statement | "{" statements "}"
//! ```
//!
//! Expressions have C's operators and their precedence. A clause without braces records its probes; it ends its text, or a `;` ends it.
//! Comments are C's. What is nested deeper than [`DEPTH`] is refused.
//!
//! `cursor` takes signs, names and literals off the text, `expression` and `clause` put them together.
mod clause;
mod cursor;
mod expression;
#[cfg(test)]
mod tests;

pub(crate) use clause::parse;
