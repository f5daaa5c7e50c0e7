//! Many boots in a row: none may hang, panic or give a wrong byte.

use crate::guest::Guest;

/// How many, if nobody asks for another number.
const BOOTS: u32 = 12;

/// How many: `ochre test --boots` sets `OCHRE_BOOTS`.
pub(crate) fn count() -> u32 {
    std::env::var("OCHRE_BOOTS").ok().and_then(|count| count.parse().ok()).unwrap_or(BOOTS)
}

pub(crate) fn many_in_a_row(guest: &Guest) {
    for number in 0..count() {
        let cpus = ["1", "2", "4"][number as usize % 3];
        let script = format!("seq 1 200 | sort -rn | head -1; echo boot {number} | tr a-z A-Z; exit {}", number % 100);
        let run = guest.run(&["--cpus", cpus, "--timeout", "60s"], &["sh", "-c", &script]);
        run.exits((number % 100).cast_signed()).prints(&format!("200\nBOOT {number}\n")).says("");
    }
}
