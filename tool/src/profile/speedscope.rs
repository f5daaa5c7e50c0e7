//! The file format of speedscope (<https://www.speedscope.app/file-format-schema.json>), which runs in a browser.

use super::stacks::{Frame, Profile, Unit};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Writes it: a profile for each process or thread.
pub(super) fn write(profile: &Profile, title: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut numbers: BTreeMap<&Frame, usize> = BTreeMap::new();
    let mut frames: Vec<&Frame> = Vec::new();
    for frame in profile.stacks.keys().flat_map(|(_, frames)| frames) {
        numbers.entry(frame).or_insert_with(|| {
            frames.push(frame);
            frames.len() - 1
        });
    }
    write!(out, "{{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\"exporter\":\"ochre\",")?;
    write!(out, "\"name\":{},\"shared\":{{\"frames\":[", quoted(title))?;
    for (i, frame) in frames.iter().enumerate() {
        let (name, file) = (quoted(&frame.function.name), quoted(&frame.function.file));
        write!(out, "{}{{\"name\":{name},\"file\":{file}}}", comma(i))?;
    }
    write!(out, "]}},\"profiles\":[")?;
    let mut owners: BTreeMap<&str, Vec<(&[Frame], u64)>> = BTreeMap::new();
    for ((owner, frames), weight) in &profile.stacks {
        owners.entry(owner).or_default().push((frames, *weight));
    }
    let unit = match profile.unit {
        Unit::Samples { .. } | Unit::Events => "none",
        Unit::Microseconds => "microseconds",
    };
    for (i, (owner, stacks)) in owners.into_iter().enumerate() {
        let end: u64 = stacks.iter().map(|(_, weight)| weight).sum();
        write!(out, "{}{{\"type\":\"sampled\",\"name\":{},\"unit\":\"{unit}\",", comma(i), quoted(owner))?;
        write!(out, "\"startValue\":0,\"endValue\":{end},\"samples\":[")?;
        for (i, (frames, _)) in stacks.iter().enumerate() {
            let indices: Vec<String> = frames.iter().map(|frame| numbers[frame].to_string()).collect();
            write!(out, "{}[{}]", comma(i), indices.join(","))?;
        }
        let weights: Vec<String> = stacks.iter().map(|(_, weight)| weight.to_string()).collect();
        write!(out, "],\"weights\":[{}]}}", weights.join(","))?;
    }
    writeln!(out, "]}}")
}

fn comma(index: usize) -> &'static str {
    if index == 0 { "" } else { "," }
}

/// As a JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_as_recorded() {
        let mut out = Vec::new();
        write(&super::super::stacks::sample::profile(), "a \"title\"\n", &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), include_str!("golden/sample.json"));
    }
}
