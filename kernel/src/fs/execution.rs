//! Programs that run from a file: nobody may write it meanwhile, and what is being written cannot be run (ETXTBSY).
//!
//! Main type: [`Executing`], held by exec while it loads and by every address space that runs the program.
use super::open_file::OpenFile;
use crate::errno::Result;
use alloc::sync::Arc;
use core::ops::Deref;

/// A file that runs as a program as long as this exists.
pub struct Executing(Arc<OpenFile>);

impl Executing {
    /// Begins; ETXTBSY if the file is open for writing.
    pub fn begin(file: Arc<OpenFile>) -> Result<Executing> {
        file.inode().base().begin_execution()?;
        Ok(Executing(file))
    }
}

impl Clone for Executing {
    /// Another address space of the same program (fork).
    fn clone(&self) -> Executing {
        self.0.inode().base().continue_execution();
        Executing(self.0.clone())
    }
}

impl Deref for Executing {
    type Target = Arc<OpenFile>;
    fn deref(&self) -> &Arc<OpenFile> {
        &self.0
    }
}

impl Drop for Executing {
    fn drop(&mut self) {
        self.0.inode().base().end_execution();
    }
}
