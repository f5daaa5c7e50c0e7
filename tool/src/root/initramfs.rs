//! One initramfs per run: the run description first, then the root, then what the run adds to it. An unnamed temporary file,
//! so that nothing is left behind however the tool ends.

use super::cpio::Writer;
use super::default::DefaultRoot;
use super::index::Index;
use super::{archive, tree};
use crate::status::{self, failure};
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom};
use std::path::Path;
use wire::config::{Description, FILE_NAME, MAX_BYTES};

/// Where a root comes from.
pub(crate) enum Source<'a> {
    /// The default root.
    Default(DefaultRoot),
    /// `--root`: a directory or an archive.
    Host(&'a Path),
}

/// Everything but the description: that needs the program's path, which needs the root's index.
pub(crate) struct Unfinished {
    writer: Writer<BufWriter<File>>,
    /// Bytes kept free for the description at the start.
    reserved: u64,
}

/// Bytes before the description's content: the headers of its entries, padded so that the content is page-aligned.
const ENTRY_BYTES: usize = 4096;

impl Unfinished {
    /// Starts with the root of `source`. `description_bytes` is how long the description may become.
    pub(crate) fn new(source: Source<'_>, description_bytes: usize) -> anyhow::Result<Unfinished> {
        if description_bytes > MAX_BYTES {
            return Err(failure(status::USAGE, "the arguments and environment are longer than Linux allows (2 MiB)"));
        }
        let reserved = (description_bytes.next_multiple_of(4096) + ENTRY_BYTES) as u64;
        let mut file = tempfile::tempfile()?;
        file.seek(SeekFrom::Start(reserved))?;
        let out = BufWriter::with_capacity(256 * 1024, file);
        let writer = match source {
            Source::Default(DefaultRoot { part, index }) => {
                let mut writer = Writer::resume(out, reserved, index);
                writer.part(part)?;
                writer
            }
            Source::Host(path) => {
                let mut writer = Writer::resume(out, reserved, Index::default());
                add_host(&mut writer, path).map_err(|error| {
                    failure(status::ROOT, format!("cannot use {} as root: {}", path.display(), explain(&error)))
                })?;
                writer
            }
        };
        Ok(Unfinished { writer, reserved })
    }

    /// What the root holds.
    pub(crate) fn index(&self) -> &Index {
        &self.writer.index
    }

    /// Puts a file or directory of the host at `guest` (no leading slash), over what is there.
    pub(crate) fn add(&mut self, guest: &[u8], host: &Path) -> io::Result<()> {
        let data = std::fs::metadata(host)?;
        if data.is_dir() {
            return tree::add(&mut self.writer, host, guest);
        }
        self.add_file(guest, host, std::os::unix::fs::MetadataExt::mode(&data))
    }

    /// Puts a file of the host at `guest` (no leading slash) with this mode, over what is there.
    pub(crate) fn add_file(&mut self, guest: &[u8], host: &Path, mode: u32) -> io::Result<()> {
        let file = File::open(host)?;
        let bytes = file.metadata()?.len();
        let attributes = super::cpio::Attributes { mode, ..Default::default() };
        self.writer.file(guest, attributes, None, bytes)?;
        self.writer.data(file, bytes)
    }

    /// Writes the description and ends the archive.
    pub(crate) fn finish(self, description: &Description<'_>) -> anyhow::Result<File> {
        let (out, _) = self.writer.finish()?;
        let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        let mut content = Vec::new();
        description.encode(|piece| content.extend_from_slice(piece));
        // The reader ignores bytes after the description: they fill the place kept free.
        let room = self.reserved as usize - ENTRY_BYTES;
        anyhow::ensure!(content.len() <= room, "the run description outgrew the place kept for it");
        content.resize(room, 0);
        let mut writer = Writer::resume(Vec::new(), 0, Index::default());
        writer.small_file(FILE_NAME.as_bytes(), 0o600, &content)?;
        let head = writer.into_inner();
        debug_assert_eq!(head.len() as u64, self.reserved);
        io::Write::write_all(&mut file, &head)?;
        file.rewind()?;
        Ok(file)
    }
}

fn add_host(writer: &mut Writer<BufWriter<File>>, path: &Path) -> io::Result<()> {
    if std::fs::metadata(path)?.is_dir() {
        tree::add(writer, path, b"")
    } else {
        archive::add(writer, &mut File::open(path)?)
    }
}

/// The error in a sentence: the bare words of an unexpected end say nothing to a user.
fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::UnexpectedEof => "it ends in the middle (truncated?)".into(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => format!("it is damaged ({error})"),
        _ => error.to_string(),
    }
}
