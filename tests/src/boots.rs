//! Many boots in a row: none may hang, panic or give a wrong byte.

use crate::guest::Guest;

/// How many; `OCHRE_BOOTS` asks for more.
const BOOTS: u32 = 12;

pub(crate) fn many_in_a_row(guest: &Guest) {
    let boots = std::env::var("OCHRE_BOOTS").ok().and_then(|count| count.parse().ok()).unwrap_or(BOOTS);
    for number in 0..boots {
        let cpus = ["1", "2", "4"][number as usize % 3];
        let script = format!("seq 1 200 | sort -rn | head -1; echo boot {number} | tr a-z A-Z; exit {}", number % 100);
        let run = guest.run(&["--cpus", cpus, "--timeout", "60s"], &["sh", "-c", &script]);
        run.exits((number % 100).cast_signed()).prints(&format!("200\nBOOT {number}\n")).says("");
    }
}
