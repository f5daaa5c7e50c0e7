//! Rust's standard library as it is on Linux, unmodified: twenty-three checks of heap, collections, strings, randomness, memory
//! mappings, threads, time, files, processes and errors. Exits with 0 only if all of them hold.

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, realloc};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex, RwLock, mpsc};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

fn heap_grows_and_shrinks() {
    let mut blocks: Vec<Vec<u8>> = (0..200).map(|i| vec![i as u8; i * 100 + 1]).collect();
    blocks.retain(|block| block.len() % 3 != 0);
    assert!(blocks.iter().all(|block| block.iter().all(|byte| *byte == block[0])));
}

fn large_blocks_are_zeroed() {
    let layout = Layout::from_size_align(4 << 20, 16).unwrap();
    // SAFETY: the layout is not empty; the block is read within its size and freed once, by its layout.
    unsafe {
        let block = alloc_zeroed(layout);
        assert!(!block.is_null());
        assert!((0..4 << 20).step_by(511).all(|at| *block.add(at) == 0));
        dealloc(block, layout);
    }
}

fn realloc_keeps_contents() {
    let layout = Layout::from_size_align(100, 8).unwrap();
    // SAFETY: as above; after `realloc` the block has the new size.
    unsafe {
        let block = alloc(layout);
        (0..100).for_each(|at| *block.add(at) = at as u8);
        let block = realloc(block, layout, 1 << 20);
        assert!((0..100).all(|at| *block.add(at) == at as u8));
        dealloc(block, Layout::from_size_align(1 << 20, 8).unwrap());
    }
}

fn alignment_is_kept() {
    for align in [16, 64, 4096, 65536] {
        let layout = Layout::from_size_align(100, align).unwrap();
        // SAFETY: as above.
        unsafe {
            let block = alloc(layout);
            assert_eq!(block as usize % align, 0);
            dealloc(block, layout);
        }
    }
}

fn strings_are_formatted() {
    let text = format!("{:>5}|{:<5}|{:^5}|{:#x}|{:.3}|{:?}", 1, 2, 3, 255, 1.0 / 3.0, "ä\n");
    assert_eq!(text, "    1|2    |  3  |0xff|0.333|\"ä\\n\"");
    assert_eq!("Grüße, Welt".to_uppercase(), "GRÜSSE, WELT");
}

fn numbers_are_parsed() {
    assert_eq!("-12345".parse::<i64>(), Ok(-12345));
    assert_eq!("2.5e-3".parse::<f64>(), Ok(0.0025));
    assert!("12x".parse::<u8>().is_err() && "300".parse::<u8>().is_err());
}

fn hash_maps_hold_much() {
    let mut map: HashMap<String, usize> = (0..10_000).map(|i| (format!("key {i}"), i)).collect();
    map.retain(|_, value| *value % 2 == 0);
    assert_eq!(map.len(), 5000);
    assert_eq!(map["key 4242"], 4242);
    assert_eq!(map.values().collect::<HashSet<_>>().len(), 5000);
}

fn trees_and_queues_are_ordered() {
    let tree: BTreeMap<u32, u32> = (0..1000).map(|i| (i * 7919 % 1000, i)).collect();
    assert!(tree.keys().copied().eq(0..1000));
    let mut queue: VecDeque<u32> = (0..100).collect();
    queue.rotate_left(30);
    assert_eq!((queue[0], queue[99]), (30, 29));
}

fn hashers_are_seeded_at_random() {
    let seen: HashSet<u64> = (0..4).map(|_| RandomState::new().hash_one("same")).collect();
    assert!(seen.len() > 1);
}

fn random_bytes_differ() {
    let mut bytes = [[0u8; 32]; 2];
    let mut file = File::open("/dev/urandom").unwrap();
    file.read_exact(&mut bytes[0]).unwrap();
    file.read_exact(&mut bytes[1]).unwrap();
    assert!(bytes[0] != bytes[1] && bytes[0] != [0; 32]);
}

unsafe extern "C" {
    fn mmap(address: *mut u8, bytes: usize, protection: i32, flags: i32, file: i32, offset: i64) -> *mut u8;
    fn mprotect(address: *mut u8, bytes: usize, protection: i32) -> i32;
    fn munmap(address: *mut u8, bytes: usize) -> i32;
}

fn mappings_are_made_and_protected() {
    // SAFETY: a fresh private anonymous mapping, used within its size, while its protection allows it, until it is unmapped.
    unsafe {
        let area = mmap(std::ptr::null_mut(), 8192, 3, 0x22, -1, 0);
        assert!(area as isize != -1);
        *area = 7;
        assert_eq!(mprotect(area, 4096, 1), 0);
        assert_eq!(*area, 7);
        assert_eq!(munmap(area, 8192), 0);
    }
}

fn threads_run_and_are_joined() {
    let threads: Vec<_> = (0..16u64).map(|i| thread::spawn(move || (0..=i * 1000).sum::<u64>())).collect();
    for (i, thread) in (0..).zip(threads) {
        let last: u64 = i * 1000;
        assert_eq!(thread.join().unwrap(), last * (last + 1) / 2);
    }
}

fn a_panicking_thread_is_told() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let outcome = thread::spawn(|| panic!("on purpose")).join();
    std::panic::set_hook(before);
    assert_eq!(outcome.unwrap_err().downcast_ref::<&str>(), Some(&"on purpose"));
}

fn locks_exclude() {
    let sum = Arc::new(Mutex::new(0u64));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..5000).for_each(|_| *sum.lock().unwrap() += 1));
        }
    });
    assert_eq!(*sum.lock().unwrap(), 40_000);
    let shared = RwLock::new(vec![1]);
    thread::scope(|scope| {
        scope.spawn(|| shared.write().unwrap().push(2));
        scope.spawn(|| assert!(!shared.read().unwrap().is_empty()));
    });
    assert_eq!(shared.into_inner().unwrap(), [1, 2]);
}

fn conditions_and_barriers_wake() {
    let (pair, barrier) = (Arc::new((Mutex::new(0), Condvar::new())), Arc::new(Barrier::new(5)));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                *pair.0.lock().unwrap() += 1;
                pair.1.notify_all();
            });
        }
        barrier.wait();
        let count = pair.1.wait_while(pair.0.lock().unwrap(), |count| *count < 4).unwrap();
        assert_eq!(*count, 4);
    });
}

fn channels_carry_everything_in_order() {
    let (sender, receiver) = mpsc::sync_channel(4);
    let writer = thread::spawn(move || (0..1000).for_each(|i| sender.send(i).unwrap()));
    assert!(receiver.iter().eq(0..1000));
    writer.join().unwrap();
}

fn thread_locals_are_apart() {
    thread_local!(static VALUE: std::cell::Cell<u32> = const { std::cell::Cell::new(5) });
    VALUE.set(6);
    assert_eq!(thread::spawn(|| VALUE.replace(9)).join().unwrap(), 5);
    assert_eq!(VALUE.get(), 6);
}

fn atomics_count() {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..10_000).for_each(|_| _ = COUNT.fetch_add(1, Ordering::Relaxed)));
        }
    });
    assert_eq!(COUNT.load(Ordering::Relaxed), 40_000);
}

fn sleeps_are_long_enough() {
    let start = Instant::now();
    thread::sleep(Duration::from_millis(20));
    assert!(start.elapsed() >= Duration::from_millis(20));
    let waiter = thread::spawn(|| thread::park_timeout(Duration::from_millis(10)));
    waiter.join().unwrap();
    assert!(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() > 1_600_000_000);
}

fn files_are_written_and_read() -> io::Result<()> {
    let path = std::env::temp_dir().join(format!("hello_std_{}", std::process::id()));
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    for i in 0..1000 {
        writeln!(file, "line {i}")?;
    }
    file.seek(SeekFrom::Start(0))?;
    let last = BufReader::new(&file).lines().last().unwrap()?;
    assert_eq!(last, "line 999");
    file.set_len(6)?;
    assert_eq!(fs::read_to_string(&path)?, "line 0");
    let moved = path.with_extension("moved");
    fs::rename(&path, &moved)?;
    assert_eq!(fs::metadata(&moved)?.len(), 6);
    fs::remove_file(moved)
}

fn errors_have_their_kinds() {
    assert_eq!(File::open("/no/such/file").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(fs::read_dir("/dev/null").unwrap_err().kind(), ErrorKind::NotADirectory);
    assert_eq!(fs::create_dir("/").unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(File::open("/no/such/file").unwrap_err().raw_os_error(), Some(2));
}

fn programs_are_run() -> io::Result<()> {
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().unwrap().write_all(b"through cat")?;
    assert_eq!(child.wait_with_output()?.stdout, b"through cat");
    assert_eq!(Command::new("sh").args(["-c", "exit 9"]).status()?.code(), Some(9));
    assert!(Command::new("/no/such/program").spawn().is_err());
    Ok(())
}

fn environment_and_arguments_are_there() {
    assert_eq!(std::env::args().count(), 1);
    assert!(std::env::var_os("PATH").is_some());
    assert!(std::env::current_dir().is_ok());
    assert!(thread::available_parallelism().unwrap().get() >= 1);
}

fn main() {
    let checks: [(&str, fn()); 23] = [
        ("heap_grows_and_shrinks", heap_grows_and_shrinks),
        ("large_blocks_are_zeroed", large_blocks_are_zeroed),
        ("realloc_keeps_contents", realloc_keeps_contents),
        ("alignment_is_kept", alignment_is_kept),
        ("strings_are_formatted", strings_are_formatted),
        ("numbers_are_parsed", numbers_are_parsed),
        ("hash_maps_hold_much", hash_maps_hold_much),
        ("trees_and_queues_are_ordered", trees_and_queues_are_ordered),
        ("hashers_are_seeded_at_random", hashers_are_seeded_at_random),
        ("random_bytes_differ", random_bytes_differ),
        ("mappings_are_made_and_protected", mappings_are_made_and_protected),
        ("threads_run_and_are_joined", threads_run_and_are_joined),
        ("a_panicking_thread_is_told", a_panicking_thread_is_told),
        ("locks_exclude", locks_exclude),
        ("conditions_and_barriers_wake", conditions_and_barriers_wake),
        ("channels_carry_everything_in_order", channels_carry_everything_in_order),
        ("thread_locals_are_apart", thread_locals_are_apart),
        ("atomics_count", atomics_count),
        ("sleeps_are_long_enough", sleeps_are_long_enough),
        ("files_are_written_and_read", || files_are_written_and_read().unwrap()),
        ("errors_have_their_kinds", errors_have_their_kinds),
        ("programs_are_run", || programs_are_run().unwrap()),
        ("environment_and_arguments_are_there", environment_and_arguments_are_there),
    ];
    for (name, check) in checks {
        // A failed check panics, which says where and ends the program with 101; the name is for what hangs.
        eprintln!("{name}");
        check();
    }
}
