//! Programs of other compilers and C libraries (`user/languages/`): built here, run on the host's Linux and in the guest, static and
//! dynamically linked. What they print must be the same.
//!
//! A case whose compiler is not installed waits: it says for what.

use crate::guest::Guest;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How a program is linked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Linking {
    Static,
    StaticPie,
    Dynamic,
}

/// A compiler.
struct Compiler {
    /// The words before the source.
    before: Vec<String>,
    /// Those after it.
    after: Vec<String>,
    /// Debian's package that has it.
    package: &'static str,
}

/// One way to build one program.
struct Recipe {
    source: &'static str,
    /// The compiler for an architecture, if there can be one.
    compiler: fn(guest: &Guest, arch: &str) -> Option<Compiler>,
    linking: Linking,
}

/// The exit status of a case that waits.
pub(crate) const WAITS: i32 = 77;

pub(crate) fn c_musl(guest: &Guest) {
    run(guest, &Recipe { source: "libc.c", compiler: musl, linking: Linking::Static });
    // Its dynamic linker is there where its compiler is.
    if guest.arch == std::env::consts::ARCH {
        run(guest, &Recipe { source: "libc.c", compiler: musl, linking: Linking::Dynamic });
    }
}

pub(crate) fn c_dietlibc(guest: &Guest) {
    run(guest, &Recipe { source: "libc.c", compiler: diet, linking: Linking::Static });
}

pub(crate) fn c_glibc(guest: &Guest) {
    for linking in [Linking::Static, Linking::StaticPie, Linking::Dynamic] {
        run(guest, &Recipe { source: "libc.c", compiler: |_, arch| gnu(arch, "gcc", &["-DTHREADS"]), linking });
    }
}

pub(crate) fn cpp(guest: &Guest) {
    for linking in [Linking::Static, Linking::Dynamic] {
        run(guest, &Recipe { source: "features.cc", compiler: |_, arch| gnu(arch, "g++", &["-std=c++17"]), linking });
    }
}

pub(crate) fn fortran(guest: &Guest) {
    for linking in [Linking::Static, Linking::Dynamic] {
        run(guest, &Recipe { source: "features.f90", compiler: |_, arch| gnu(arch, "gfortran", &[]), linking });
    }
}

pub(crate) fn rust(guest: &Guest) {
    for linking in [Linking::Static, Linking::Dynamic] {
        run(guest, &Recipe { source: "features.rs", compiler: rustc, linking });
    }
}

pub(crate) fn go(guest: &Guest) {
    run(guest, &Recipe { source: "features.go", compiler: go_build, linking: Linking::Static });
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn musl(guest: &Guest, arch: &str) -> Option<Compiler> {
    if arch == std::env::consts::ARCH {
        let before = words(&["musl-gcc", "-O2", "-DTHREADS"]);
        return Some(Compiler { before, after: vec!["-lm".into()], package: "musl-tools" });
    }
    // Its own compiler is a program for the other architecture; its library goes with ours.
    let files = unpacked(guest, arch, "musl-dev");
    let (headers, library) = (format!("include/{arch}-linux-musl"), format!("lib/{arch}-linux-musl"));
    let parts = ["crt1.o", "crti.o", "libc.a", "crtn.o"];
    bare(arch, &files.join(headers), &files.join(library), &["-DTHREADS"], &parts)
}

fn diet(guest: &Guest, arch: &str) -> Option<Compiler> {
    let files = unpacked(guest, arch, "dietlibc-dev");
    let library = files.join(format!("lib/{arch}-linux-gnu/diet/lib-{arch}"));
    bare(arch, &files.join("include/diet"), &library, &[], &["start.o", "libm.a", "libc.a"])
}

/// The architecture's usual compiler with another C library: its headers, and what of its directory goes into a program. A library
/// and what the compiler itself supplies may need each other.
fn bare(arch: &str, headers: &Path, library: &Path, options: &[&str], parts: &[&str]) -> Option<Compiler> {
    let Compiler { mut before, package, .. } = gnu(arch, "gcc", options)?;
    let output = Command::new(&before[0]).arg("-print-file-name=include").output().ok()?;
    let own = String::from_utf8_lossy(&output.stdout).trim().to_string();
    before.extend(words(&["-nostdinc", "-nostdlib", "-w", "-isystem"]));
    before.extend([headers.display().to_string(), "-isystem".into(), own]);
    let mut after = vec!["-Wl,--start-group".to_string(), "-lgcc".into()];
    after.extend(parts.iter().map(|part| library.join(part).display().to_string()));
    after.push("-Wl,--end-group".into());
    Some(Compiler { before, after, package })
}

/// Where the tool has unpacked a package of Debian's, which it did before the tests if it could.
fn unpacked(guest: &Guest, arch: &str, package: &str) -> PathBuf {
    let files = guest.cache().join("packages").join(arch).join(package).join("usr");
    if !files.is_dir() {
        wait_for(&format!("Debian's {package} for {arch}"));
    }
    files
}

fn gnu(arch: &str, name: &str, options: &[&str]) -> Option<Compiler> {
    let compiler = if arch == std::env::consts::ARCH { name.to_string() } else { format!("{arch}-linux-gnu-{name}") };
    let mut before = vec![compiler, "-O2".to_string()];
    before.extend(words(options));
    let after = if name == "gcc" { vec!["-lm".to_string()] } else { Vec::new() };
    let package = match name {
        "g++" => "g++ or g++-ARCH-linux-gnu",
        "gfortran" => "gfortran or gfortran-ARCH-linux-gnu",
        _ => "gcc or gcc-ARCH-linux-gnu",
    };
    Some(Compiler { before, after, package })
}

fn rustc(_guest: &Guest, arch: &str) -> Option<Compiler> {
    let target = format!("{arch}-unknown-linux-gnu");
    // Without the target's library nothing can be built: asked for, since the compiler is there in any case.
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", &target]).output().ok()?;
    if !Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir() {
        return None;
    }
    let mut before = words(&["rustc", "-O", "--edition", "2024", "--target", &target]);
    if arch != std::env::consts::ARCH {
        before.push(format!("-Clinker={arch}-linux-gnu-gcc"));
    }
    Some(Compiler { before, after: Vec::new(), package: "rustc and its target library" })
}

fn go_build(_guest: &Guest, arch: &str) -> Option<Compiler> {
    let name = if arch == "aarch64" { "arm64" } else { "amd64" };
    let before = words(&["env", &format!("GOARCH={name}"), "CGO_ENABLED=0", "go", "build"]);
    Some(Compiler { before, after: Vec::new(), package: "golang-go" })
}

/// Ends the case as one that waits.
pub(crate) fn wait_for(what: &str) -> ! {
    println!("waits for {what}");
    std::process::exit(WAITS)
}

/// A shared library and a program that looks for it in `/usr/lib`, both from `user/languages/library.c`; and what else the guest needs for it, each as
/// an option's value.
pub(crate) fn with_library(guest: &Guest) -> (PathBuf, Vec<String>) {
    let Some(Compiler { before, package, .. }) = gnu(&guest.arch, "gcc", &["-O0"]) else {
        wait_for(&format!("a compiler for {}", guest.arch))
    };
    if !is_installed(&before[0]) {
        wait_for(&format!("{} (Debian: {package})", before[0]));
    }
    let directory = guest.scratch("library");
    let (library, program) = (directory.join("liblibrary.so"), directory.join("program"));
    let source = guest.top().join("user/languages/library.c");
    let compile = |options: &[&str], output: &Path| {
        let mut build = Command::new(&before[0]);
        build.args(&before[1..]).arg(&source).args(options).arg("-o").arg(output);
        let output = build.output().expect("the compiler can be started");
        assert!(output.status.success(), "{build:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    compile(&["-DLIBRARY", "-shared", "-fPIC"], &library);
    let beside = format!("-L{}", directory.display());
    compile(&["-pthread", &beside, "-llibrary", "-Wl,-rpath,/usr/lib"], &program);
    let mut added = vec![format!("{}:/usr/lib/liblibrary.so", library.display())];
    added.extend(libraries(&guest.arch, &program).iter().map(|(from, to)| format!("{}:{to}", from.display())));
    (program, added)
}

/// Whether there is a program of this name.
fn is_installed(tool: &str) -> bool {
    let is_in = |path: &std::ffi::OsString| std::env::split_paths(path).any(|place| place.join(tool).is_file());
    std::env::var_os("PATH").as_ref().is_some_and(is_in)
}

/// Builds a recipe for `arch`; answers the program.
fn build(guest: &Guest, recipe: &Recipe, arch: &str) -> PathBuf {
    let compiler = (recipe.compiler)(guest, arch);
    let Some(Compiler { before: command, after, package }) = compiler else {
        wait_for(&format!("a compiler for {arch}"))
    };
    let link = match (recipe.linking, command[0].as_str()) {
        (Linking::Static, "rustc") => vec!["-Ctarget-feature=+crt-static"],
        (_, "rustc" | "env") | (Linking::Dynamic, _) => vec![],
        (Linking::Static, _) => vec!["-static"],
        (Linking::StaticPie, _) => vec!["-static-pie"],
    };
    let directory = guest.scratch("languages");
    // One that no other recipe has, which may be built at the same time.
    let library = after.iter().find_map(|word| word.split('/').find(|part| part.ends_with("-dev"))).unwrap_or_default();
    let name = format!("{}-{}-{arch}-{}{library}", recipe.source, recipe.linking as u8, command[0]);
    let program = directory.join(name);
    let source = guest.top().join("user/languages").join(recipe.source);
    let mut build = Command::new(&command[0]);
    build.args(&command[1..]).args(link).arg("-o").arg(&program).arg(&source).args(after);
    let tool = if command[0] == "env" { "go" } else { command[0].as_str() };
    if !is_installed(tool) {
        wait_for(&format!("{tool} (Debian: {package})"));
    }
    let output = build.env("GOCACHE", directory.join("go-cache")).output().expect("the compiler can be started");
    assert!(output.status.success(), "{build:?}: {}", String::from_utf8_lossy(&output.stderr));
    program
}

/// What the program prints on the host's Linux.
fn host_output(program: &Path) -> String {
    let output = Command::new(program).stdin(Stdio::null()).output().expect("the program runs on the host");
    assert!(output.status.success(), "{} failed on Linux: {:?}", program.display(), output);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The shared libraries that a program needs: where they are on the host, and where the guest shall find them.
fn libraries(arch: &str, program: &Path) -> Vec<(PathBuf, String)> {
    if arch != std::env::consts::ARCH {
        // The cross compiler's own libraries.
        return vec![(format!("/usr/{arch}-linux-gnu/lib").into(), "/lib".into())];
    }
    let musl = format!("/lib/ld-musl-{arch}.so.1");
    if std::fs::read(program).expect("the program").windows(musl.len()).any(|part| part == musl.as_bytes()) {
        // The library and the dynamic linker are one file, which links name.
        return vec![(std::fs::canonicalize(&musl).expect("musl's library"), musl)];
    }
    let output = Command::new("ldd").arg(program).output().expect("ldd runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let paths = text.split_whitespace().filter(|word| word.starts_with('/'));
    paths.map(|path| (path.into(), path.to_string())).collect()
}

fn run(guest: &Guest, recipe: &Recipe) {
    let program = build(guest, recipe, &guest.arch);
    let expected = if guest.arch == std::env::consts::ARCH {
        host_output(&program)
    } else {
        // The same text, built for the host, says what is right.
        host_output(&build(guest, recipe, std::env::consts::ARCH))
    };
    let mut options = vec!["--cpus".to_string(), "2".into(), "--memory".into(), "512M".into()];
    options.extend(["--add".into(), format!("{}:/program", program.display())]);
    if recipe.linking == Linking::Dynamic {
        for (from, to) in libraries(&guest.arch, &program) {
            options.extend(["--add".into(), format!("{}:{to}", from.display())]);
        }
    }
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    guest.run(&options, &["/program"]).exits(0).prints(&expected).says("");
}
