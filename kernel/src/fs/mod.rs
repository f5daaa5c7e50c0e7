//! Files: the tree of names, what is behind them, and who has it open.
//!
//! A path becomes a place ([`walk`]) through the cache of names ([`dentry`]) and the mounts ([`path`]); a place has an
//! [`inode`]; opening it ([`open`]) makes an [`open_file`], which a descriptor [`table`] numbers. Contents of regular files
//! live in the [`page_cache`] and nowhere else. File systems: [`tmpfs`], [`device`]s, the initial RAM disk.
//!
//! Lock order, outermost first: file position, rename lock, directory, inode's write lock, pipe; then memory's locks (user
//! copies may fault under all of these); then spin locks. See `lock_order.rs`.
pub mod anonymous;
pub mod context;
pub mod dentry;
pub mod device;
pub mod devpts;
pub mod epoll;
mod epoll_nesting;
pub mod event_counter;
pub mod execution;
pub mod extended_attributes;
pub mod file;
pub mod file_lock;
pub mod initramfs;
pub mod inode;
pub mod inotify;
pub mod listeners;
pub mod listing;
mod mappers;
pub mod memory_device;
pub mod names;
pub mod notify;
pub mod open;
pub mod open_file;
pub mod page_cache;
pub mod path;
pub mod permission;
pub mod pidfd;
pub mod pipe;
mod pipe_ring;
pub mod poll;
pub mod procfs;
pub mod quota;
pub mod reclaim;
mod record_deadlock;
pub mod regular;
pub mod seals;
pub mod signal_fd;
pub mod splice;
pub mod start;
pub mod sysfs;
pub mod table;
mod text_file;
pub mod timer_fd;
pub mod tmpfs;
pub mod transfer;
pub mod walk;

pub use context::FsContext;
pub use execution::Executing;
pub use file::{File, PollEvents};
pub use inode::{DeviceNumber, FileKind, FileSystem, Inode};
pub use mappers::{Mapper, Moment};
pub use open::{open_for_exec, open_for_kernel};
pub use open_file::OpenFile;
pub use page_cache::PageCache;
pub use path::Path;
pub use start::start;
pub use table::FileTable;
pub use transfer::{Sink, Source};
