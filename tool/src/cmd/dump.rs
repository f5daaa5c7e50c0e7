//! `ochre dump`: what an image of a guest's memory, or a copy of its console, tells of the kernel that failed or hangs.

use crate::dump::{Image, console, show};
use crate::status::{self, failure};
use std::io::Write;
use std::path::PathBuf;

/// `ochre dump`'s command line.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct DumpArguments {
    /// Show at most so many records of each CPU
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 64)]
    records: usize,
    /// An image of the guest's memory (QEMU's dump-guest-memory or pmemsave), or a copy of its console
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Shows it on stdout.
pub(crate) fn dump(arguments: &DumpArguments) -> anyhow::Result<u8> {
    let shown = arguments.file.display();
    let file = std::fs::read(&arguments.file).map_err(|error| failure(status::USAGE, format!("{shown}: {error}")))?;
    let text = match Image::find(&file) {
        Some(image) => show(&image, arguments.records),
        None => {
            let text = String::from_utf8_lossy(&file);
            match console::epitaph(&text) {
                Some(epitaph) => epitaph.to_string(),
                None => {
                    let reason = "there is neither a kernel of this version nor a failure's report in it";
                    return Err(failure(status::USAGE, format!("{shown}: {reason}")));
                }
            }
        }
    };
    // A reader that goes away has seen enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(0)
}
