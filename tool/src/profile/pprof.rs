//! The format of pprof (github.com/google/pprof, proto/profile.proto), compressed by gzip as its tools expect.
//!
//! Written by hand: a dozen fields of a format that does not change. Each function is one location without addresses, since the names
//! are known already.

use super::stacks::{Frame, Profile, Unit};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::HashMap;
use std::io::{self, Write};

/// Writes it.
pub(super) fn write(profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    let mut packed = GzEncoder::new(out, Compression::default());
    packed.write_all(&encode(profile))?;
    packed.finish().map(drop)
}

/// A message of the protocol-buffer encoding.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn variable(&mut self, mut value: u64) {
        while value >= 0x80 {
            // CAST: seven bits and the mark that more follow.
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
    /// A field that is a number. Zero is what a field that is missing means.
    fn number(&mut self, field: u64, value: u64) -> &mut Message {
        if value != 0 {
            self.variable(field << 3);
            self.variable(value);
        }
        self
    }
    /// A field that is bytes: text, a message, or numbers in a row.
    fn bytes(&mut self, field: u64, bytes: &[u8]) -> &mut Message {
        self.variable(field << 3 | 2);
        self.variable(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }
    fn numbers(&mut self, field: u64, values: &[u64]) -> &mut Message {
        let mut row = Message::default();
        values.iter().for_each(|value| row.variable(*value));
        self.bytes(field, &row.0)
    }
}

/// The table of texts; the first is the empty one.
struct Texts {
    numbers: HashMap<String, u64>,
    texts: Vec<String>,
}

impl Texts {
    fn number(&mut self, text: &str) -> u64 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.texts.len() as u64;
        self.texts.push(text.to_string());
        self.numbers.insert(text.to_string(), number);
        number
    }
    /// A ValueType: what is counted, in which unit.
    fn value_type(&mut self, kind: &str, unit: &str) -> Vec<u8> {
        let (kind, unit) = (self.number(kind), self.number(unit));
        let mut message = Message::default();
        message.number(1, kind).number(2, unit);
        message.0
    }
}

fn encode(profile: &Profile) -> Vec<u8> {
    let mut texts = Texts { numbers: HashMap::new(), texts: Vec::new() };
    texts.number("");
    let mut whole = Message::default();
    // As Go's profiler and perf's converters have them.
    let (kind, unit, period) = match profile.unit {
        Unit::Samples { hz } => ("cpu", "nanoseconds", 1_000_000_000 / u64::from(hz.max(1))),
        Unit::Events => ("events", "count", 1),
        Unit::Microseconds => ("off-cpu", "nanoseconds", 1000),
    };
    for (kind, unit) in [("samples", "count"), (kind, unit)] {
        let value_type = texts.value_type(kind, unit);
        whole.bytes(1, &value_type);
    }
    let mut locations: HashMap<&Frame, u64> = HashMap::new();
    let mut frames: Vec<&Frame> = Vec::new();
    let owner_key = texts.number("comm");
    for ((owner, stack), weight) in &profile.stacks {
        // The innermost frame first.
        let row: Vec<u64> = stack
            .iter()
            .rev()
            .map(|frame| {
                *locations.entry(frame).or_insert_with(|| {
                    frames.push(frame);
                    frames.len() as u64
                })
            })
            .collect();
        let mut label = Message::default();
        label.number(1, owner_key).number(2, texts.number(owner));
        let mut sample = Message::default();
        sample.numbers(1, &row).numbers(2, &[*weight, weight * period]).bytes(3, &label.0);
        whole.bytes(2, &sample.0);
    }
    for (index, frame) in frames.iter().enumerate() {
        let number = index as u64 + 1;
        let mut line = Message::default();
        line.number(1, number);
        let mut location = Message::default();
        location.number(1, number).bytes(4, &line.0);
        whole.bytes(4, &location.0);
        let (name, file) = (texts.number(&frame.function.name), texts.number(&frame.function.file));
        let mut function = Message::default();
        function.number(1, number).number(2, name).number(3, name).number(4, file);
        whole.bytes(5, &function.0);
    }
    let period_type = texts.value_type(kind, unit);
    for text in &texts.texts {
        whole.bytes(6, text.as_bytes());
    }
    whole.bytes(11, &period_type).number(12, period);
    whole.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read;

    /// The fields of a message: number, and value or bytes.
    fn fields(mut bytes: &[u8]) -> Vec<(u64, u64, Vec<u8>)> {
        fn variable(bytes: &mut &[u8]) -> u64 {
            let (mut value, mut shift) = (0, 0);
            loop {
                let byte = bytes[0];
                *bytes = &bytes[1..];
                value |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    return value;
                }
            }
        }
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let key = variable(&mut bytes);
            let value = variable(&mut bytes);
            let mut content = Vec::new();
            if key & 7 == 2 {
                let (head, rest) = bytes.split_at(value as usize);
                (content, bytes) = (head.to_vec(), rest);
            }
            found.push((key >> 3, value, content));
        }
        found
    }

    #[test]
    fn holds_the_profile() {
        let mut packed = Vec::new();
        write(&super::super::stacks::sample::profile(), &mut packed).unwrap();
        let mut bytes = Vec::new();
        GzDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
        let whole = fields(&bytes);
        let of = |number| whole.iter().filter(move |(field, ..)| *field == number).map(|(.., bytes)| bytes.clone());
        let texts: Vec<String> = of(6).map(|text| String::from_utf8(text).unwrap()).collect();
        assert_eq!(texts[0], "");
        assert!(texts.contains(&"hot".to_string()));
        let functions: Vec<_> = of(5).map(|function| texts[fields(&function)[1].1 as usize].clone()).collect();
        assert_eq!((of(2).count(), of(4).count(), functions.len()), (4, 7, 7));
        let hottest = of(2).map(|sample| fields(&sample)).find(|sample| sample[1].2[0] == 6).unwrap();
        let leaf = u64::from(hottest[0].2[0]);
        assert_eq!(functions[leaf as usize - 1], "hot", "the innermost frame comes first");
        assert_eq!(whole.iter().find(|(field, ..)| *field == 12).unwrap().1, 1_000_000);
    }
}
