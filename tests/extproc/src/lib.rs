//! What the tests share: the program they talk to, a parent with bare pipes, meeting points with a task, and a limit of
//! time for all.
use std::{
    ffi::CString,
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Read, Write},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::Once,
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vc_processors::core::Task;

/// What echo_processor.cpp does; its head lists the kinds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Echo(pub Value);

impl Task for Echo {
    const STAGE: &'static str = "echo";
    type Output = Value;
}

pub const READY: &str = "echo processor ready\n";

/// The path of echo_processor. Whatever hangs from now on ends the tests.
pub fn echo_processor() -> PathBuf {
    static LIMIT: Once = Once::new();
    LIMIT.call_once(|| {
        thread::spawn(|| {
            thread::sleep(Duration::from_secs(120));
            eprintln!("a test hangs: its name is missing above");
            std::process::exit(1);
        });
    });
    std::env::var_os("SCABBARD_ECHO_PROCESSOR").expect("SCABBARD_ECHO_PROCESSOR: run `make extproc`").into()
}

/// A parent that has the pipes themselves, to do with them what vc-processors never would.
pub struct Parent {
    pub child: Child,
    requests: Option<ChildStdin>,
    answers: Option<BufReader<ChildStdout>>,
    log: ChildStderr,
}

impl Parent {
    /// With the arguments of echo_processor.
    pub fn new(arguments: &[&str]) -> Self {
        let mut child = Command::new(echo_processor())
            .args(arguments)
            .env("SCABBARD_LOG", "warn")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Parent {
            requests: child.stdin.take(),
            answers: child.stdout.take().map(BufReader::new),
            log: child.stderr.take().unwrap(),
            child,
        }
    }

    /// The same, after the line that says that it is ready.
    pub fn of_ready(arguments: &[&str]) -> Self {
        let mut parent = Self::new(arguments);
        assert_eq!(parent.line(), READY);
        parent
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.requests.as_mut().unwrap().write_all(bytes.as_ref()).unwrap();
    }

    /// The next line with its end; empty at the end of the output.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.as_mut().unwrap().read_line(&mut line).unwrap();
        line
    }

    pub fn answer(&mut self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    pub fn close_requests(&mut self) {
        self.requests = None;
    }

    pub fn close_answers(&mut self) {
        self.answers = None;
    }

    pub fn signal(&self, signal: i32) {
        assert_eq!(unsafe { libc::kill(self.child.id() as i32, signal) }, 0);
    }

    /// How it ended, and what it wrote to stderr.
    pub fn end(mut self) -> (ExitStatus, String) {
        let mut log = String::new();
        self.log.read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap(), log)
    }
}

/// Where a test and a task meet: each end waits until the other is opened.
pub struct Fifo(PathBuf);

impl Fifo {
    /// In the folder that cargo gives to integration tests.
    pub fn new(folder: &str, name: &str) -> Self {
        let path = PathBuf::from(folder).join(format!("{name}-{}", std::process::id()));
        let text = CString::new(path.as_os_str().as_bytes()).unwrap();
        assert_eq!(unsafe { libc::mkfifo(text.as_ptr(), 0o600) }, 0, "{path:?}");
        Fifo(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// Until a task `{"wait": path}` has begun.
    pub fn wait_for_task(&self) {
        File::open(&self.0).unwrap();
    }

    /// Lets a task `{"hold": path}` go on, once it has begun.
    pub fn release_task(&self) {
        OpenOptions::new().write(true).open(&self.0).unwrap();
    }
}

impl Drop for Fifo {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
