//! The functions in which most time went, as text.

use super::stacks::{Frame, Profile, Unit};
use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};

/// Writes the first `most`: what share was in the function itself, and what with all it called.
pub(super) fn write(profile: &Profile, most: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut shares: HashMap<&Frame, (u64, u64)> = HashMap::new();
    for ((_, frames), weight) in &profile.stacks {
        if let Some(innermost) = frames.last() {
            shares.entry(innermost).or_default().0 += weight;
        }
        // A function that calls itself is on the stack once.
        for frame in frames.iter().collect::<BTreeSet<_>>() {
            shares.entry(frame).or_default().1 += weight;
        }
    }
    let mut shares: Vec<(&Frame, (u64, u64))> = shares.into_iter().collect();
    shares.sort_by(|(a, (a_self, a_total)), (b, (b_self, b_total))| (b_self, b_total, a).cmp(&(a_self, a_total, b)));
    let whole = profile.total().max(1);
    let unit = match profile.unit {
        Unit::Samples { .. } => "samples",
        Unit::Events => "events",
        Unit::Microseconds => "us",
    };
    writeln!(out, "{:>7} {:>7} {unit:>10}  function", "self", "total")?;
    for (frame, (own, total)) in shares.into_iter().take(most) {
        let percent = |part: u64| part as f64 * 100.0 / whole as f64;
        let (name, file) = (&frame.function.name, &frame.function.file);
        let base = file.rsplit('/').next().unwrap_or(file);
        let place = if base.is_empty() || name.starts_with('[') { String::new() } else { format!("  {base}") };
        writeln!(out, "{:>6.2}% {:>6.2}% {own:>10}  {name}{place}", percent(own), percent(total))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn is_as_recorded() {
        let mut out = Vec::new();
        super::write(&super::super::stacks::sample::profile(), 5, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), include_str!("golden/sample.top"));
    }
}
