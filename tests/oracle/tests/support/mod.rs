//! What the tests share: stores in temporary folders, and the programs that are tested.
#![allow(dead_code)] // each test file is a program of its own and uses a part
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
};

use serde_json::{json, Value};
use tempfile::TempDir;

/// 0, 1, ... 31: that of the known answers.
pub const SEED: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

pub fn seed() -> [u8; 32] {
    std::array::from_fn(|index| index as u8)
}

/// What the program's caches are set to: made once, kept with what cargo builds.
fn command(program: &str) -> Command {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut command = Command::new(program);
    command
        .env("FIL_PROOFS_PARAMETER_CACHE", kept.join("parameters"))
        .env("FIL_PROOFS_PARENT_CACHE", kept.join("parents"))
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null());
    command
}

pub fn oracle_command(arguments: &[&str]) -> Command {
    let mut oracle = command(env!("CARGO_BIN_EXE_oracle"));
    oracle.args(arguments);
    oracle
}

pub struct Said {
    pub succeeded: bool,
    pub lines: Vec<Value>,
}

pub fn ask(mut oracle: Command) -> Said {
    let output = oracle.output().unwrap();
    Said { succeeded: output.status.success(), lines: lines_of(output.stdout) }
}

pub fn must_say(arguments: &[&str]) -> Vec<Value> {
    let said = ask(oracle_command(arguments));
    assert!(said.succeeded, "oracle {arguments:?} has failed");
    said.lines
}

pub fn make_parameters() {
    must_say(&["parameters", "--size", "2KiB", "--proof", "window"]);
}

/// Sectors of one size.
pub struct Store {
    folder: TempDir,
    size: &'static str,
}

impl Store {
    pub fn new(size: &'static str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), size }
    }

    pub fn with_random(size: &'static str, sectors: &str) -> Self {
        let store = Self::new(size);
        store.must_say("random", sectors, &[]);
        store
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn ask(&self, verb: &str, sectors: &str, options: &[&str]) -> Said {
        let folder = self.folder.path().to_str().unwrap();
        let common = [verb, "--store", folder, "--size", self.size, "--sectors", sectors];
        ask(oracle_command(&[&common[..], options].concat()))
    }

    pub fn must_say(&self, verb: &str, sectors: &str, options: &[&str]) -> Vec<Value> {
        let said = self.ask(verb, sectors, options);
        assert!(said.succeeded, "{verb} of {sectors} has failed: {:?}", said.lines);
        said.lines
    }

    pub fn vanilla(&self, proof: &str, sectors: &str) -> Said {
        self.ask("vanilla", sectors, &["--proof", proof, "--seed", SEED])
    }

    pub fn must_prove(&self, proof: &str, sectors: &str) -> Vec<Value> {
        let said = self.vanilla(proof, sectors);
        assert!(said.succeeded, "{proof} of {sectors} cannot be proven: {:?}", said.lines);
        said.lines
    }

    pub fn flip_byte(&self, name: &str, offset: u64) {
        let file = File::options().read(true).write(true).open(self.path(name)).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, offset).unwrap();
        file.write_all_at(&[byte[0] ^ 1], offset).unwrap();
    }

    pub fn fill_with_zeros(&self, name: &str, offset: u64, bytes: usize) {
        let file = File::options().write(true).open(self.path(name)).unwrap();
        file.write_all_at(&vec![0; bytes], offset).unwrap();
    }

    /// Names and contents of all files. Only for small sectors.
    pub fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut contents = BTreeMap::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.folder.path()).unwrap().to_owned();
                    contents.insert(name, fs::read(path).unwrap());
                }
            }
        }
        contents
    }

    /// One of a task's replicas.
    pub fn replica(&self, sector: u64) -> Value {
        let comm_r = self.must_say("comm-r", &sector.to_string(), &[])[0]["comm_r"].clone();
        json!({
            "sector_id": sector,
            "comm_r": hex::decode(comm_r.as_str().unwrap()).unwrap(),
            "cache_dir": self.path(&format!("cache/s-t01000-{sector}")),
            "sealed_file": self.path(&format!("sealed/s-t01000-{sector}")),
        })
    }
}

pub fn task(proof_type: &str, replicas: Vec<Value>) -> Value {
    json!({"miner_id": 1000, "proof_type": proof_type, "replicas": replicas, "seed": seed()})
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Snark,
    VanillaOnly,
}

/// stock_prover and its pipes.
pub struct Prover {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Prover {
    pub fn new(stage: &str, mode: Mode) -> Self {
        let mut child = command(env!("CARGO_BIN_EXE_stock_prover"))
            .args(["processor", stage])
            .env("ORACLE_VANILLA_ONLY", if mode == Mode::VanillaOnly { "1" } else { "0" })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let requests = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut prover = Self { child, requests, answers };
        assert_eq!(prover.line(), format!("{stage} processor ready\n"));
        prover
    }

    pub fn answer(&mut self, task: &Value) -> Value {
        writeln!(self.requests, "{}", json!({"id": 3, "task": task})).unwrap();
        let answer: Value = serde_json::from_str(&self.line()).unwrap();
        assert_eq!(answer["id"], 3);
        answer
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Prover {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

pub fn ask_with_input(mut oracle: Command, input: String) -> Vec<Value> {
    let mut child = oracle.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut requests = child.stdin.take().unwrap();
    // Answers come while requests go: were all written first, both sides would wait once a pipe is full.
    let writer = thread::spawn(move || requests.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    lines_of(output.stdout)
}

fn lines_of(output: Vec<u8>) -> Vec<Value> {
    let text = String::from_utf8(output).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
