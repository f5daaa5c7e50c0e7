//! Links between the project's pages: each must lead to a file that is there.

use crate::tree;
use std::path::{Path, PathBuf};

/// Relative links of all pages that lead nowhere.
pub(crate) fn check() -> super::Found {
    let top = tree::top();
    let mut pages = Vec::new();
    collect(&top, 0, &mut pages)?;
    let mut wrong = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(&page)?;
        let directory = page.parent().unwrap_or(&top);
        for target in targets(&text) {
            if !directory.join(target).exists() {
                let page = page.strip_prefix(&top).unwrap_or(&page).display();
                wrong.push(format!("{page}: the link to {target} leads nowhere"));
            }
        }
    }
    Ok(wrong)
}

/// Pages stand in the top folder, in crates' folders, and in `docs/` and its folders.
fn collect(directory: &Path, depth: usize, pages: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() && depth < 2 && !name.starts_with('.') && name != "target" {
            collect(&path, depth + 1, pages)?;
        } else if name.ends_with(".md") {
            pages.push(path);
        }
    }
    Ok(())
}

/// The files that a page's relative links name.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or_default())
        .filter(|target| !target.is_empty() && !target.contains("://"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn relative_links_are_found() {
        let text = "see [a](b.md), [c](https://x.y/z), [d](../e/f.md#g) and [h](#i)";
        assert_eq!(super::targets(text).collect::<Vec<_>>(), ["b.md", "../e/f.md"]);
    }
}
