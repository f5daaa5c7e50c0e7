//! How cases run things in a guest, and what they check of the result.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Which guest is tested.
pub(crate) struct Guest {
    /// Its architecture, as `--arch` takes it.
    pub(crate) arch: String,
    /// The `ochre` command.
    pub(crate) ochre: PathBuf,
}

impl Default for Guest {
    fn default() -> Guest {
        Guest::host()
    }
}

impl Guest {
    /// One of the host's own architecture.
    pub(crate) fn host() -> Guest {
        Guest { arch: std::env::consts::ARCH.to_string(), ochre: "./ochre".into() }
    }

    /// `ochre run OPTIONS -- PROGRAM…`, with all three streams piped and a time limit far above what it needs.
    pub(crate) fn command(&self, options: &[&str], program: &[&str]) -> Command {
        self.command_of("run", options, program)
    }

    /// The same with another of the commands that run a program.
    pub(crate) fn command_of(&self, name: &str, options: &[&str], program: &[&str]) -> Command {
        let mut command = Command::new(&self.ochre);
        command.args([name, "--arch", &self.arch]);
        if !options.contains(&"--accel") {
            command.args(["--accel", "tcg"]);
        }
        if !options.contains(&"--timeout") {
            command.args(["--timeout", "5m"]);
        }
        if let Some(directory) = std::env::var_os(CONSOLES) {
            static STARTED: AtomicU32 = AtomicU32::new(0);
            let number = STARTED.fetch_add(1, Ordering::Relaxed);
            command.arg("--console").arg(Path::new(&directory).join(format!("console-{number:04}")));
        }
        command.args(options).arg("--").args(program);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, options: &[&str], program: &[&str]) -> Finished {
        let output = self.command(options, program).output().expect("ochre can be started");
        Finished { what: format!("{options:?} {program:?}"), output }
    }

    /// Runs it to its end with a command that watches the run.
    pub(crate) fn observe(&self, name: &str, options: &[&str], program: &[&str]) -> Finished {
        let output = self.command_of(name, options, program).output().expect("ochre can be started");
        Finished { what: format!("{name} {options:?} {program:?}"), output }
    }

    /// Runs a shell's script without options.
    pub(crate) fn shell(&self, script: &str) -> Finished {
        self.run(&[], &["busybox", "sh", "-c", script])
    }

    /// The checkout.
    pub(crate) fn top(&self) -> PathBuf {
        match std::env::var_os("OCHRE_TOP") {
            Some(top) => top.into(),
            None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".."),
        }
    }

    /// Where the tool keeps what it makes and fetches.
    pub(crate) fn cache(&self) -> PathBuf {
        std::env::var_os("OCHRE_CACHE").map_or_else(|| self.top().join(".ochre"), PathBuf::from)
    }

    /// A directory for what a case makes, kept between runs. One an architecture: both are tested at once.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        let directory = self.cache().join("build").join(name).join(&self.arch);
        std::fs::create_dir_all(&directory).expect("the cache can be written");
        directory
    }

    /// A program built from `user/` for this architecture, or from a directory of it: `suite/NAME`.
    pub(crate) fn user_program(&self, name: &str) -> PathBuf {
        let (directory, name) = name.rsplit_once('/').unwrap_or(("", name));
        self.cache().join("build/user").join(directory).join(&self.arch).join(name)
    }

    /// The form of the kernel that loaders of Linux start (x86-64).
    pub(crate) fn bz_image(&self) -> PathBuf {
        self.cache().join("kernel").join(&self.arch).join("bzImage")
    }

    /// The BusyBox of this architecture's default root.
    pub(crate) fn busybox(&self) -> PathBuf {
        let package = self.cache().join("packages").join(&self.arch).join("busybox-static");
        let places = [package.join("bin/busybox"), package.join("usr/bin/busybox"), "/bin/busybox".into()];
        places.into_iter().find(|path| path.is_file()).expect("set-up has a BusyBox for this architecture")
    }
}

/// Names the directory into which the consoles of machines are copied.
pub(crate) const CONSOLES: &str = "OCHRE_CONSOLES";

/// How many consoles of a case are shown, the last ones, and how many lines of each.
const SHOWN: (usize, usize) = (2, 40);

/// The consoles kept in `directory`, as text.
pub(crate) fn consoles(directory: &Path) -> String {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(directory).into_iter().flatten().flatten().map(|e| e.path()).collect();
    files.retain(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("console-")));
    files.sort();
    let mut text = String::new();
    for file in &files[files.len().saturating_sub(SHOWN.0)..] {
        let console = std::fs::read(file).unwrap_or_default();
        let console = String::from_utf8_lossy(&console).into_owned();
        let lines: Vec<&str> = console.lines().collect();
        let name = file.file_name().unwrap_or_default().display();
        text.push_str(&format!("{name} of {}, its end:\n", files.len()));
        for line in &lines[lines.len().saturating_sub(SHOWN.1)..] {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}

/// A run that is over.
pub(crate) struct Finished {
    what: String,
    pub(crate) output: Output,
}

impl Finished {
    /// Its standard output as text.
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// Its standard error as text.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// Checks the exit status.
    pub(crate) fn exits(&self, status: i32) -> &Finished {
        assert_eq!(self.output.status.code(), Some(status), "{}: stderr: {}", self.what, self.stderr());
        self
    }

    /// Checks standard output.
    pub(crate) fn prints(&self, text: &str) -> &Finished {
        assert_eq!(self.stdout(), text, "{}: stderr: {}", self.what, self.stderr());
        self
    }

    /// Checks standard error.
    pub(crate) fn says(&self, text: &str) -> &Finished {
        assert_eq!(self.stderr(), text, "{}", self.what);
        self
    }

    /// Checks that standard error holds this.
    pub(crate) fn mentions(&self, text: &str) -> &Finished {
        assert!(self.stderr().contains(text), "{}: stderr: {}", self.what, self.stderr());
        self
    }
}

/// Bytes that look random and can be made again.
pub(crate) fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    })
    .take(bytes)
    .collect()
}

/// Checks that two long byte strings are the same, without printing them.
pub(crate) fn same_bytes(found: &[u8], expected: &[u8], what: &str) {
    let place = found.iter().zip(expected).position(|(a, b)| a != b).unwrap_or(found.len().min(expected.len()));
    assert!(
        found == expected,
        "{what}: {} bytes, expected {}; the first difference is at {place}",
        found.len(),
        expected.len()
    );
}
