//! Trace programs as the kernel gets them: whatever the bytes, the verifier answers; and what it accepts ends after as many steps as it is long,
//! with no more stacks and texts than are allowed.
#![no_main]
use core::cell::Cell;
use libfuzzer_sys::fuzz_target;
use pure::trace_program::{Environment, Keep, MAX_KEEPS, Program, Source, Table, run};

/// An environment that counts.
struct World<'a> {
    tables: &'a [Table],
    actions: Cell<usize>,
    keeps: Cell<usize>,
}

impl World<'_> {
    fn act(&self) {
        self.actions.set(self.actions.get() + 1);
    }
}

impl Environment for World<'_> {
    fn load(&self, source: Source, index: u8) -> u64 {
        (source as u64) << 8 ^ u64::from(index) ^ self.actions.get() as u64
    }
    fn store_global(&self, _index: u8, _value: u64) {
        self.act();
    }
    fn store_local(&self, _index: u8, _value: u64) {
        self.act();
    }
    fn keep(&self, _what: Keep, address: u64, most: u16) -> u64 {
        self.keeps.set(self.keeps.get() + 1);
        self.act();
        address ^ u64::from(most)
    }
    fn snapshot(&self) {
        self.act();
    }
    fn aggregate(&self, table: u8, registers: &[u64], value: i64) {
        self.act();
        assert!(self.tables[usize::from(table)].shape().key_words as usize <= registers.len());
        self.tables[usize::from(table)].add(registers, value);
    }
    fn emit(&self, _output: u16, values: &[u64]) {
        assert!(values.len() <= 7);
        self.act();
    }
    fn record(&self) {
        self.act();
    }
    fn exit(&self, _status: u64) {
        self.act();
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(program) = Program::decode(bytes) else { return };
    assert_eq!(Program::decode(&program.encode()).as_ref(), Ok(&program));
    let tables: Vec<Table> = program.tables.iter().map(|shape| Table::new(*shape).expect("memory")).collect();
    let mut variables = [0; 16];
    for clause in &program.clauses {
        let world = World { tables: &tables, actions: Cell::new(0), keeps: Cell::new(0) };
        let _ = run(&clause.instructions, &mut variables, &world);
        assert!(world.actions.get() <= clause.instructions.len() && world.keeps.get() <= MAX_KEEPS);
    }
});
