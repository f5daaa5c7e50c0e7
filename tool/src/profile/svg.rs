//! The flame graph, drawn by `inferno`.

use super::folded;
use super::stacks::{Profile, Unit};
use inferno::flamegraph::color::MultiPalette;
use inferno::flamegraph::{Options, Palette, from_lines};
use std::io::{self, Write};

/// Writes it.
pub(super) fn write(profile: &Profile, title: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut options = Options::default();
    options.title = title.to_string();
    // The kernel's functions stand out.
    options.colors = Palette::Multi(MultiPalette::Perl);
    // The same profile is the same picture.
    options.deterministic = true;
    options.count_name = match profile.unit {
        Unit::Samples { .. } => "samples".into(),
        Unit::Events => "events".into(),
        Unit::Microseconds => "us".into(),
    };
    let lines = folded::lines(profile);
    from_lines(&mut options, lines.iter().map(String::as_str), out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_its_share() {
        let profile = super::super::stacks::sample::profile();
        let mut out = Vec::new();
        write(&profile, "a title", &mut out).unwrap();
        let svg = String::from_utf8(out).unwrap();
        assert!(svg.starts_with("<?xml") && svg.trim_end().ends_with("</svg>"));
        for wanted in ["a title", "<title>hot (6 samples, 50.00%)</title>", "<title>main (10 samples, 83.33%)</title>"]
        {
            assert!(svg.contains(wanted), "{wanted}");
        }
        assert!(svg.contains("sys_read (3 samples, 25.00%)"), "the kernel's mark is a colour: {svg}");
        let mut again = Vec::new();
        write(&profile, "a title", &mut again).unwrap();
        assert_eq!(svg.as_bytes(), again, "the same profile is the same picture");
    }
}
