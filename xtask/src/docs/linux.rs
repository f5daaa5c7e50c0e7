//! `docs/linux.md`: every Linux system call, and what Ochre does with it.

use super::calls::{self, Call};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The page.
pub(crate) fn page() -> anyhow::Result<String> {
    let served: BTreeMap<String, Call> = calls::all()?.into_iter().map(|call| (call.name.clone(), call)).collect();
    let mut numbers: BTreeMap<&str, (Option<u32>, Option<u32>)> = BTreeMap::new();
    abi::number::each_name(&mut |name| {
        numbers.insert(name, abi::number::on_both(name));
    });
    for name in served.keys() {
        anyhow::ensure!(numbers.contains_key(name.as_str()), "the table has a call {name}, which Linux doesn't");
    }
    let count = |of: fn(&(Option<u32>, Option<u32>)) -> bool| {
        let all = numbers.values().filter(|number| of(number)).count();
        let ours = numbers.iter().filter(|(name, number)| of(number) && served.contains_key(**name)).count();
        format!("{ours} of {all}")
    };
    let mut page = format!(
        "# Linux system calls\n\nGenerated from `kernel/src/syscall/table/` by `xtask docs`; do not edit.\n\n\
         Served: {} calls on x86-64, {} on ARM64. A call that is not served answers ENOSYS, is counted, and is named by `ochre run` \
         at the end of the run.\n\n## Served\n\n| call | x86-64 | ARM64 | subject | limits |\n|---|---|---|---|---|\n",
        count(|number| number.0.is_some()),
        count(|number| number.1.is_some()),
    );
    let shown = |number: Option<u32>| number.map_or_else(|| "–".to_string(), |number| number.to_string());
    for (name, call) in &served {
        let (x86, arm) = numbers[name.as_str()];
        let limits = call.limits.replace('|', "\\|");
        writeln!(page, "| `{name}` | {} | {} | {} | {limits} |", shown(x86), shown(arm), call.subject)?;
    }
    page.push_str("\n## Not served\n\n");
    let missing: Vec<String> =
        numbers.keys().filter(|name| !served.contains_key(**name)).map(|name| format!("`{name}`")).collect();
    for chunk in missing.chunks(8) {
        writeln!(page, "{}", chunk.join(" "))?;
    }
    Ok(page)
}
