//! Where a profile goes, by the file's name.

use super::stacks::{Profile, Unit};
use super::{folded, pprof, speedscope, svg, top};
use crate::status::{self, failure};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Functions that the text list shows on standard error.
const TOP: usize = 30;
/// And in a file.
const TOP_IN_FILE: usize = 1000;

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Flame graph.
    Svg,
    /// Folded stacks.
    Folded,
    /// For pprof.
    Pprof,
    /// For speedscope.
    Speedscope,
    /// Text list.
    Top,
}

/// The formats by the ends of files' names.
const ENDINGS: [(&str, Format); 6] = [
    (".svg", Format::Svg),
    (".folded", Format::Folded),
    (".pb.gz", Format::Pprof),
    (".pprof", Format::Pprof),
    (".json", Format::Speedscope),
    (".txt", Format::Top),
];

/// Whether a file's name asks for stacks rather than text.
pub(crate) fn asks_for_stacks(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ENDINGS.iter().any(|(ending, format)| *format != Format::Top && name.ends_with(ending))
}

/// A file that will hold the profile. Created before the run, so that what cannot be written is told before.
pub(crate) struct Output {
    path: PathBuf,
    file: File,
    format: Format,
}

impl Output {
    /// Creates the file.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Output> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some((_, format)) = ENDINGS.iter().find(|(ending, _)| name.ends_with(ending)) else {
            let endings: Vec<&str> = ENDINGS.iter().map(|(ending, _)| *ending).collect();
            let endings = endings.join(", ");
            return Err(failure(status::USAGE, format!("-o {name}: the name's end tells the format: {endings}")));
        };
        let file = File::create(path)
            .map_err(|error| failure(status::USAGE, format!("cannot write {}: {error}", path.display())))?;
        Ok(Output { path: path.to_path_buf(), file, format: *format })
    }

    /// Creates a flame graph's file in the current directory, by the first name that is free; answers the name, too.
    pub(crate) fn create_new() -> anyhow::Result<(Output, String)> {
        for number in 1u32.. {
            let name = format!("ochre-profile-{number}.svg");
            match File::create_new(&name) {
                Ok(file) => return Ok((Output { path: PathBuf::from(&name), file, format: Format::Svg }, name)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => anyhow::bail!("cannot write {name}: {error}"),
            }
        }
        anyhow::bail!("there is no name left for a profile")
    }

    /// Writes the profile.
    pub(crate) fn write(self, profile: &Profile, title: &str) -> anyhow::Result<()> {
        let mut out = BufWriter::new(self.file);
        let written = match self.format {
            Format::Svg if profile.stacks.is_empty() => {
                anyhow::bail!("no samples were taken, so there is no flame graph; try a higher rate with --hz")
            }
            Format::Svg => svg::write(profile, title, &mut out),
            Format::Folded => folded::write(profile, &mut out),
            Format::Pprof => pprof::write(profile, &mut out),
            Format::Speedscope => speedscope::write(profile, title, &mut out),
            Format::Top => top::write(profile, TOP_IN_FILE, &mut out),
        };
        written
            .and_then(|()| out.flush())
            .map_err(|error| anyhow::anyhow!("cannot write {}: {error}", self.path.display()))
    }
}

/// The list for standard error.
pub(crate) fn summary(profile: &Profile) -> Vec<u8> {
    let mut text = Vec::new();
    // Memory takes everything.
    let _ = top::write(profile, TOP, &mut text);
    text
}

/// What the weights are, in a title.
pub(crate) fn title(profile: &Profile, program: &str) -> String {
    match profile.unit {
        Unit::Samples { .. } => format!("{program}: on the CPU"),
        Unit::Events => format!("{program}: traced"),
        Unit::Microseconds => format!("{program}: off the CPU"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_format() {
        let directory = tempfile::tempdir().unwrap();
        let format = |name: &str| Output::create(&directory.path().join(name)).map(|output| output.format);
        assert_eq!(format("a.svg").unwrap(), Format::Svg);
        assert_eq!(format("a.pb.gz").unwrap(), Format::Pprof);
        assert_eq!(format("a.speedscope.json").unwrap(), Format::Speedscope);
        let refused = format("a.png").unwrap_err().to_string();
        assert!(refused.contains(".svg, .folded"), "{refused}");
    }
}
