//! Which crate may depend on which: dependencies point one way, and the list below is all of them.

use super::text::manifest_dependencies;
use crate::tree;
use anyhow::Context;

/// Every crate of the workspace with the crates of the workspace it may depend on. `machine` must not know Linux, hence not `abi`;
/// the system tests see `ochre` from outside only.
const ALLOWED: &[(&str, &[&str])] = &[
    ("abi", &[]),
    ("wire", &[]),
    ("pure", &[]),
    ("machine", &["pure", "wire"]),
    ("kernel", &["abi", "machine", "pure", "wire"]),
    ("modules", &["abi", "kernel", "machine", "pure", "wire"]),
    ("image", &["kernel", "machine", "modules"]),
    ("tool", &["abi", "pure", "wire"]),
    ("xtask", &["abi", "wire"]),
    ("tests", &[]),
];

/// Compares the manifests with the list.
pub(crate) fn check() -> super::Found {
    let mut wrong = Vec::new();
    let workspace = std::fs::read_to_string(tree::top().join("Cargo.toml"))?;
    let members = workspace.lines().find(|line| line.starts_with("members")).context("the workspace's members")?;
    for member in members.split('"').skip(1).step_by(2) {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == member) else {
            wrong.push(format!("the crate {member} has no line in the list of allowed dependencies"));
            continue;
        };
        let manifest = std::fs::read_to_string(tree::top().join(member).join("Cargo.toml"))?;
        for dependency in manifest_dependencies(&manifest) {
            let is_ours = ALLOWED.iter().any(|(name, _)| *name == dependency);
            if is_ours && !allowed.contains(&dependency.as_str()) {
                wrong.push(format!("{member} depends on {dependency}, which the layering forbids"));
            }
        }
    }
    Ok(wrong)
}
