//! Where the checkout and its cache are. The launcher says the first (`OCHRE_TOP`); the second is `.ochre` in it, or, where the
//! checkout cannot be written, a directory of the user's cache.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The directories of this installation.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    /// The checkout.
    pub(crate) top: PathBuf,
    /// What set-up makes; may be deleted at any time.
    pub(crate) cache: PathBuf,
}

impl Home {
    /// Finds both.
    pub(crate) fn find() -> anyhow::Result<Home> {
        let top = match std::env::var_os("OCHRE_TOP") {
            Some(top) => PathBuf::from(top),
            None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default(),
        };
        let cache = std::env::var_os("OCHRE_CACHE").map_or_else(|| top.join(".ochre"), PathBuf::from);
        std::fs::create_dir_all(&cache)
            .map_err(|error| anyhow::anyhow!("cannot make the cache directory {}: {error}", cache.display()))?;
        Ok(Home { top, cache })
    }
}

/// When `path` was last changed; `None` if it isn't there.
pub(crate) fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|data| data.modified()).ok()
}

/// Whether any file below `roots` was changed after `stamp`, or there is no stamp.
pub(crate) fn is_stale(stamp: &Path, roots: &[PathBuf]) -> bool {
    let Some(made) = modified(stamp) else { return true };
    roots.iter().any(|root| changed_after(root, made))
}

fn changed_after(path: &Path, made: SystemTime) -> bool {
    let Ok(data) = std::fs::metadata(path) else { return false };
    if data.modified().is_ok_and(|time| time > made) {
        return true;
    }
    data.is_dir()
        && std::fs::read_dir(path)
            .is_ok_and(|entries| entries.flatten().any(|entry| changed_after(&entry.path(), made)))
}
