//! Tests of the ELF plan: real shapes, hostile ones, and mutations of both.
use super::*;
use proptest::prelude::*;

const X86_64: u16 = 62;
const BOUNDS: Range<usize> = 0x1_0000..0x7fff_ffff_f000;

/// Builds headers by hand.
#[derive(Clone)]
struct Maker {
    kind: u16,
    machine: u16,
    class: u8,
    entry: u64,
    table_offset: u64,
    entry_bytes: u16,
    items: Vec<ProgramHeader>,
}

fn load(p_flags: u32, p_offset: u64, p_vaddr: u64, p_filesz: u64, p_memsz: u64) -> ProgramHeader {
    ProgramHeader { p_type: PT_LOAD, p_offset, p_vaddr, p_paddr: 0, p_filesz, p_memsz, p_flags, p_align: 4096 }
}

impl Maker {
    fn new(items: &[ProgramHeader]) -> Maker {
        let items = items.to_vec();
        Maker { kind: ET_EXEC, machine: X86_64, class: 2, entry: 0x40_1000, table_offset: 64, entry_bytes: 56, items }
    }
    fn header_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(b"\x7fELF");
        bytes.extend_from_slice(&[self.class, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for value in [self.kind, self.machine] {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        bytes.extend_from_slice(&1u32.to_le_bytes());
        for value in [self.entry, self.table_offset, 0] {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        bytes.extend_from_slice(&0u32.to_le_bytes());
        for value in [64, self.entry_bytes, self.items.len() as u16, 64, 0, 0] {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        bytes.try_into().unwrap()
    }
    fn table(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for item in &self.items {
            bytes.extend_from_slice(&item.p_type.to_le_bytes());
            bytes.extend_from_slice(&item.p_flags.to_le_bytes());
            for value in [item.p_offset, item.p_vaddr, item.p_paddr, item.p_filesz, item.p_memsz, item.p_align] {
                bytes.extend_from_slice(&value.to_le_bytes());
            }
        }
        bytes
    }
    fn header(&self) -> Result<ImageHeader, ElfError> {
        ImageHeader::parse(&self.header_bytes(), X86_64)
    }
    fn plan(&self) -> Result<LoadPlan, ElfError> {
        LoadPlan::new(self.header()?, &self.table())
    }
    fn place(&self) -> Result<Placement, ElfError> {
        self.plan()?.place(0, BOUNDS)
    }
}

#[test]
fn an_ordinary_program() {
    let maker = Maker::new(&[
        load(PF_R, 0, 0x40_0000, 0x500, 0x500),
        load(PF_R | PF_X, 0x1000, 0x40_1000, 0x2345, 0x2345),
        load(PF_R | PF_W, 0x3e10, 0x40_4e10, 0x200, 0x3000),
    ]);
    let placement = maker.place().unwrap();
    assert_eq!(placement.headers, 0x40_0040);
    assert_eq!(placement.end, 0x40_8000);
    assert_eq!(placement.code, 0x40_1000..0x40_3345);
    let data = &placement.segments[2];
    assert_eq!(data.file, Some(FilePart { addr: 0x40_4000, bytes: 0x2000, offset: 0x3000 }));
    assert_eq!(data.zero, 0x40_5010..0x40_6000);
    assert_eq!(data.anonymous, 0x40_6000..0x40_8000);
    assert!(placement.segments[1].zero.is_empty() && placement.segments[1].anonymous.is_empty());
}

#[test]
fn zeros_that_end_exactly_at_a_page() {
    let placement = Maker::new(&[load(PF_R | PF_W, 0x1000, 0x40_1000, 0x1000, 0x2000)]).place().unwrap();
    assert!(placement.segments[0].zero.is_empty());
    assert_eq!(placement.segments[0].anonymous, 0x40_2000..0x40_3000);
    let placement = Maker::new(&[load(PF_R | PF_W, 0x123, 0x40_1010, 0, 0x10)]).place().unwrap();
    assert_eq!(placement.segments[0].file, None, "without file bytes the offset does not matter");
    assert_eq!(placement.segments[0].anonymous, 0x40_1000..0x40_2000);
}

#[test]
fn what_linux_refuses_before_the_point_of_no_return() {
    let good = Maker::new(&[load(PF_R, 0, 0x40_0000, 0x500, 0x500)]);
    let refused = |change: fn(&mut Maker)| {
        let mut maker = good.clone();
        change(&mut maker);
        assert_eq!(maker.plan().unwrap_err(), ElfError::NotExecutable);
    };
    refused(|maker| maker.class = 1);
    refused(|maker| maker.machine = 183);
    refused(|maker| maker.kind = 1);
    refused(|maker| maker.entry_bytes = 32);
    refused(|maker| maker.items.clear());
    refused(|maker| maker.items = std::vec![maker.items[0]; 1171]);
    refused(|maker| maker.items.push(ProgramHeader { p_type: PT_INTERP, ..load(PF_R, 0, 0, 1, 1) }));
    refused(|maker| maker.items.push(ProgramHeader { p_type: PT_INTERP, ..load(PF_R, 0, 0, 4097, 4097) }));
    let header = good.header().unwrap();
    assert_eq!(LoadPlan::new(header, &good.table()[..55]).unwrap_err(), ElfError::NotExecutable);
    let mut text = good.header_bytes();
    text[0] = 0;
    assert_eq!(ImageHeader::parse(&text, X86_64), Err(ElfError::NotExecutable));
}

#[test]
fn what_linux_finds_after_the_point_of_no_return() {
    for bad in [
        load(PF_R, 0, 0x40_0000, 0x600, 0x500),
        load(PF_R, 0x10, 0x40_0000, 0x500, 0x500),
        load(PF_R, 0, 0x40_0010, 0x500, 0x500),
        load(PF_R, 0, 0, 0x500, 0x500),
        load(PF_R, 0, 0x8000_0000_0000, 0x500, 0x500),
        load(PF_R, 0, 0xffff_ffff_8000_0000, 0x500, 0x500),
        load(PF_R, 0, !0xfff, 0x500, 0x2000),
        load(PF_R, 0, 0x40_0000, 0x500, u64::MAX),
        load(PF_R, 0, 0x7fff_ffff_e000, 0x500, 0x1001),
        load(PF_R, 0x7fff_ffff_ffff_f000, 0x40_0000, 0x2000, 0x2000),
    ] {
        assert_eq!(Maker::new(&[bad]).place().unwrap_err(), ElfError::Unloadable, "{bad:x?}");
    }
    let mut empty = Maker::new(&[ProgramHeader { p_type: PT_GNU_STACK, ..load(PF_X, 0, 0, 0, 0) }]);
    empty.kind = ET_DYN;
    assert_eq!(empty.plan().unwrap().span(), Err(ElfError::Unloadable), "nothing to load");
    assert!(empty.plan().unwrap().is_stack_executable);
}

#[test]
fn segments_may_overlap_and_share_a_page() {
    let placement = Maker::new(&[
        load(PF_R | PF_X, 0, 0x40_0000, 0x1800, 0x1800),
        load(PF_R | PF_W, 0x1800, 0x40_1800, 0x100, 0x100),
    ])
    .place()
    .unwrap();
    assert_eq!(placement.segments[0].file.unwrap().bytes, 0x2000);
    assert_eq!(placement.segments[1].file, Some(FilePart { addr: 0x40_1000, bytes: 0x1000, offset: 0x1000 }));
}

#[test]
fn a_position_independent_program_moves_as_a_whole() {
    let mut maker = Maker::new(&[
        load(PF_R, 0, 0, 0x500, 0x500),
        ProgramHeader { p_align: 0x20_0000, ..load(PF_R | PF_X, 0x1000, 0x1000, 0x100, 0x100) },
    ]);
    maker.kind = ET_DYN;
    maker.entry = 0x1000;
    let plan = maker.plan().unwrap();
    assert_eq!((plan.span(), plan.align()), (Ok(0..0x2000), 0x20_0000));
    let placement = plan.place(0x5555_5540_0000, BOUNDS).unwrap();
    assert_eq!((placement.entry, placement.headers), (0x5555_5540_1000, 0x5555_5540_0040));
}

/// What the kernel relies on, whatever the file says.
fn check_plan(bytes: &[u8], bias: usize) {
    let mut start = [0; HEADER_BYTES];
    let length = bytes.len().min(HEADER_BYTES);
    start[..length].copy_from_slice(&bytes[..length]);
    let Ok(header) = ImageHeader::parse(&start, X86_64) else { return };
    let Ok(plan) = LoadPlan::new(header, &bytes[length..]) else { return };
    let _ = plan.span();
    assert!(plan.align().is_power_of_two());
    let Ok(placement) = plan.place(bias, BOUNDS) else { return };
    for segment in &placement.segments {
        if let Some(file) = segment.file {
            assert!(file.bytes > 0 && (file.addr | file.bytes | file.offset as usize).is_multiple_of(PAGE));
            assert!(file.addr >= BOUNDS.start && file.bytes <= BOUNDS.end - file.addr);
            assert!(segment.zero.is_empty() || segment.zero.end == file.addr + file.bytes);
        }
        assert!(segment.zero.end - segment.zero.start < PAGE);
        assert!((segment.anonymous.start | segment.anonymous.end) % PAGE == 0);
        assert!(segment.anonymous.is_empty() || BOUNDS.start <= segment.anonymous.start);
        assert!(segment.anonymous.end <= BOUNDS.end && segment.zero.end <= BOUNDS.end);
        assert!(placement.end >= segment.anonymous.end);
    }
}

/// Numbers near the edges that matter, and any others.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        (0..0x1_0000u64).prop_map(|n| n),
        (0..0x40u64).prop_map(|n| 0x40_0000 + n * 0x800),
        (0..0x4000u64).prop_map(|n| (BOUNDS.end as u64).wrapping_sub(0x2000).wrapping_add(n)),
        (0..0x4000u64).prop_map(|n| 0u64.wrapping_sub(n)),
        any::<u64>(),
    ]
}

fn any_load() -> impl Strategy<Value = ProgramHeader> {
    (number(), number(), number(), number(), 0..8u32, number()).prop_map(
        |(p_offset, p_vaddr, p_filesz, p_memsz, p_flags, p_align)| ProgramHeader {
            p_align,
            ..load(p_flags, p_offset, p_vaddr, p_filesz, p_memsz)
        },
    )
}

proptest! {
    #[test]
    fn no_headers_break_the_promises(items in proptest::collection::vec(any_load(), 0..5), bias in number()) {
        let maker = Maker::new(&items);
        let mut bytes = maker.header_bytes().to_vec();
        bytes.extend(maker.table());
        check_plan(&bytes, bias as usize);
    }

    #[test]
    fn no_mutation_breaks_the_promises(
        changes in proptest::collection::vec((0..176usize, any::<u8>()), 1..8), length in 0..=176usize, bias in number(),
    ) {
        let maker = Maker::new(&[
            load(PF_R | PF_X, 0, 0x40_0000, 0x1800, 0x1800),
            load(PF_R | PF_W, 0x1800, 0x40_1800, 0x100, 0x9000),
        ]);
        let mut bytes = maker.header_bytes().to_vec();
        bytes.extend(maker.table());
        for (at, value) in changes {
            bytes[at] = value;
        }
        check_plan(&bytes[..length], bias as usize);
    }
}
