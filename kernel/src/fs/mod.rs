//! Placeholder until the file system arrives.
/// A process's open files.
pub struct FileTable;
/// Root, working directory, umask.
pub struct FsContext;
