//! Folded stacks: a line for each, frames from the outermost with `;` between, then the weight. What flame-graph tools read; the kernel's
//! functions end with `_[k]`, as perf's scripts have them.

use super::stacks::{Frame, Profile};
use std::io::{self, Write};

/// Writes it.
pub(super) fn write(profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    lines(profile).iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// The lines, in order.
pub(super) fn lines(profile: &Profile) -> Vec<String> {
    let line = |((owner, frames), weight): (&(std::sync::Arc<str>, Vec<Frame>), &u64)| {
        let mut line = clean(owner);
        for frame in frames {
            line.push(';');
            line.push_str(&clean(&frame.function.name));
            line.push_str(if frame.is_kernel { "_[k]" } else { "" });
        }
        format!("{line} {weight}")
    };
    profile.stacks.iter().map(line).collect()
}

/// A name without what separates frames and lines.
fn clean(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c == ';' {
                ':'
            } else if c.is_control() {
                ' '
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_each_stack() {
        let mut out = Vec::new();
        write(&super::super::stacks::sample::profile(), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), include_str!("golden/sample.folded"));
    }
}
