//! The CMOS clock, read once at boot.
use super::registers::{inb, outb};

const INDEX: u16 = 0x70;
const DATA: u16 = 0x71;
const STATUS_A: u8 = 0x0a;
const STATUS_B: u8 = 0x0b;
/// In status A: the clock is being advanced, its registers are in motion.
const IS_UPDATING: u8 = 0x80;
/// Polls for the end of an update (about 2 ms) before the clock counts as absent.
const MOST_POLLS: u32 = 100_000;

fn read_register(register: u8) -> u8 {
    outb(INDEX, register);
    inb(DATA)
}

/// Seconds, minutes, hours, day, month, year, century as the registers hold them.
fn read_fields() -> Option<[u8; 7]> {
    let mut polls = 0;
    while read_register(STATUS_A) & IS_UPDATING != 0 {
        polls += 1;
        if polls == MOST_POLLS {
            return None;
        }
    }
    Some([0x00, 0x02, 0x04, 0x07, 0x08, 0x09, 0x32].map(read_register))
}

/// Days from the epoch to a date of the Gregorian calendar (Howard Hinnant's `days_from_civil`).
fn days_from_date(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Seconds since the Unix epoch, if a clock answers with a plausible date.
pub(crate) fn wall_clock_seconds() -> Option<u64> {
    // A bus without a device reads as ones: do not wait for that to change.
    if read_register(STATUS_A) == 0xff {
        return None;
    }
    let mut fields = read_fields()?;
    // Two equal readings prove that no update fell between the registers.
    loop {
        let again = read_fields()?;
        if again == fields {
            break;
        }
        fields = again;
    }
    let status = read_register(STATUS_B);
    let (is_binary, is_24_hours) = (status & 4 != 0, status & 2 != 0);
    let is_afternoon = !is_24_hours && fields[2] & 0x80 != 0;
    fields[2] &= 0x7f;
    let number = |field: u8| u64::from(if is_binary { field } else { (field >> 4) * 10 + (field & 0xf) });
    let [second, minute, mut hour, day, month, year, century] = fields.map(number);
    if !is_24_hours {
        hour = hour % 12 + if is_afternoon { 12 } else { 0 };
    }
    let year = year + if (19..=21).contains(&century) { century * 100 } else { 2000 };
    let is_plausible = second < 60 && minute < 60 && hour < 24 && (1..=31).contains(&day) && (1..=12).contains(&month);
    (is_plausible && (1970..2200).contains(&year))
        .then(|| ((days_from_date(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}
