//! Rust's standard library: threads, channels, locks, collections, files, processes, sockets, panics, clocks.
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex, RwLock, mpsc};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

fn main() {
    if std::env::args().nth(1).as_deref() == Some("child") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).unwrap();
        print!("{}{}", text.to_uppercase(), std::env::var("NAME").unwrap());
        std::process::exit(23);
    }
    let counter = Arc::new(AtomicUsize::new(0));
    let barrier = Arc::new(Barrier::new(8));
    let threads: Vec<_> = (0..8)
        .map(|i| {
            let (counter, barrier) = (counter.clone(), barrier.clone());
            thread::spawn(move || {
                barrier.wait();
                for _ in 0..1000 {
                    counter.fetch_add(i, Ordering::Relaxed);
                }
                i * i
            })
        })
        .collect();
    let squares: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    println!("threads {} {squares}", counter.load(Ordering::Relaxed));

    let (sender, receiver) = mpsc::sync_channel(3);
    thread::scope(|scope| {
        for i in 0..4u64 {
            let sender = sender.clone();
            scope.spawn(move || (0..100).for_each(|k| sender.send(i * 1000 + k).unwrap()));
        }
        drop(sender);
        println!("channel {}", receiver.iter().sum::<u64>());
    });

    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let other = pair.clone();
    let waiter = thread::spawn(move || {
        let mut ready = other.0.lock().unwrap();
        while !*ready {
            ready = other.1.wait(ready).unwrap();
        }
        "woken"
    });
    *pair.0.lock().unwrap() = true;
    pair.1.notify_all();
    println!("condvar {}", waiter.join().unwrap());
    let lock = RwLock::new(5);
    println!("rwlock {}", { *lock.read().unwrap() + *lock.read().unwrap() });

    panic::set_hook(Box::new(|_| {}));
    let caught = panic::catch_unwind(|| {
        let empty: Vec<i32> = Vec::new();
        empty[3]
    });
    let poisoned = Arc::new(Mutex::new(1));
    let other = poisoned.clone();
    let joined = thread::spawn(move || {
        let _held = other.lock().unwrap();
        panic!("in a thread");
    })
    .join();
    println!("panics {} {} {}", caught.is_err(), joined.is_err(), poisoned.is_poisoned());

    let map: HashMap<u64, String> = (0..20_000).map(|i| (i * 2_654_435_761, i.to_string())).collect();
    println!("map {} {}", map.len(), map[&(777 * 2_654_435_761)]);
    let tree: BTreeMap<_, _> = "the quick brown fox jumps".split(' ').map(|word| (word, word.len())).collect();
    println!("tree {tree:?}");
    let mut big: Vec<u8> = Vec::new();
    for i in 0..3_000_000u32 {
        big.push(i as u8);
    }
    println!("vector {}", big.iter().map(|&byte| u64::from(byte)).sum::<u64>());

    let place = std::env::temp_dir().join("features_rs");
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(place.join("a/b")).unwrap();
    let mut file = OpenOptions::new().create(true).read(true).write(true).open(place.join("a/text")).unwrap();
    for i in 0..1000 {
        writeln!(file, "line {i}").unwrap();
    }
    file.seek(SeekFrom::Start(0)).unwrap();
    println!("lines {}", BufReader::new(&file).lines().count());
    fs::rename(place.join("a/text"), place.join("moved")).unwrap();
    let error = File::open(place.join("a/text")).unwrap_err();
    println!("gone {}", error.kind() == ErrorKind::NotFound);
    println!("length {}", fs::metadata(place.join("moved")).unwrap().len());

    let listener = UnixListener::bind(place.join("socket")).unwrap();
    let path = place.join("socket");
    let client = thread::spawn(move || {
        let mut stream = UnixStream::connect(path).unwrap();
        stream.write_all(b"hello").unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let (mut stream, _) = listener.accept().unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    text.reverse();
    stream.write_all(&text).unwrap();
    drop(stream);
    println!("socket {}", client.join().unwrap());
    fs::remove_dir_all(&place).unwrap();

    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("child")
        .env("NAME", "value")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"words ").unwrap();
    let output = child.wait_with_output().unwrap();
    println!("process {} {:?}", String::from_utf8_lossy(&output.stdout), output.status.code());
    println!("missing {}", Command::new("/no/such/program").spawn().unwrap_err().kind() == ErrorKind::NotFound);

    let start = Instant::now();
    thread::sleep(Duration::from_millis(20));
    println!("slept {}", start.elapsed() >= Duration::from_millis(20));
    println!("date {}", SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() > 1_700_000_000);
    println!("parallel {}", thread::available_parallelism().unwrap().get() >= 1);
}
