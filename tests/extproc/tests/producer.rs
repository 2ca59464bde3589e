//! With the parent that damocles-worker has: the producer of vc-processors.
use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    sync::Arc,
    thread,
    time::Duration,
};

use extproc_tests::{echo_processor, Echo, Fifo};
use serde_json::{json, Value};
use vc_processors::core::{
    ext::{BoxedFinalizeHook, BoxedPrepareHook, Producer, ProducerBuilder, Request},
    Processor,
};

const TMP: &str = env!("CARGO_TARGET_TMPDIR");

type Builder = ProducerBuilder<BoxedPrepareHook<Echo>, BoxedFinalizeHook<Echo>>;
type EchoProducer = Producer<Echo, BoxedPrepareHook<Echo>, BoxedFinalizeHook<Echo>>;

/// As damocles-worker starts it.
fn builder(concurrency: u32) -> Builder {
    Builder::new(echo_processor(), vec![concurrency.to_string()])
        .env("SCABBARD_LOG".into(), "off".into())
        .stable_timeout(Duration::from_secs(5))
}

fn spawn(concurrency: u32) -> EchoProducer {
    builder(concurrency).spawn().unwrap()
}

fn error(producer: &EchoProducer, task: Value) -> String {
    producer.process(Echo(task)).unwrap_err().to_string()
}

#[test]
fn it_is_ready_in_time_and_answers() {
    let producer = spawn(1);
    assert_eq!(producer.process(Echo(json!({"echo": [1, 2]}))).unwrap(), json!([1, 2]));
}

#[test]
fn errors_are_told() {
    let producer = spawn(1);
    assert_eq!(error(&producer, json!({"fail": "no space: \"a\"\n\u{1b}[2J"})), "no space: \"a\"\\u000a\\u001b[2J");
    assert_eq!(error(&producer, json!({"throw": "thrown"})), "thrown");
    let message = error(&producer, json!({"echo": null}));
    assert_eq!(message, "the task was done without an output");
    assert_eq!(producer.process(Echo(json!({"echo": 1}))).unwrap(), 1);
}

#[test]
fn thousands_of_requests_are_in_flight() {
    const REQUESTS: usize = 3000;
    let held = Fifo::new(TMP, "in-flight");
    let under_way = Arc::new(AtomicUsize::new(0));
    let count = under_way.clone();
    let prepare: BoxedPrepareHook<Echo> = Box::new(move |_: &Request<Echo>| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    let producer = builder(1).hook_prepare(prepare).spawn::<Echo>().unwrap();
    thread::scope(|scope| {
        let hold = || producer.process(Echo(json!({"hold": held.path()}))).unwrap();
        let holder = scope.spawn(hold);
        while under_way.load(Ordering::SeqCst) == 0 {
            thread::yield_now(); // the first of all
        }
        for number in 0..REQUESTS {
            let producer = &producer;
            let ask = move || assert_eq!(producer.process(Echo(json!({"echo": number}))).unwrap(), number);
            thread::Builder::new().stack_size(128 << 10).spawn_scoped(scope, ask).unwrap();
        }
        // None is answered before the one that holds the only thread.
        while under_way.load(Ordering::SeqCst) <= REQUESTS {
            thread::yield_now();
        }
        held.release_task();
        assert_eq!(holder.join().unwrap(), "held");
    });
}

#[test]
fn lines_of_megabytes_at_once() {
    let producer = spawn(4);
    let text = "<\"é\\\u{1f5e1}\n&>".repeat(200_000);
    thread::scope(|scope| {
        for number in 0..8 {
            let (producer, text) = (&producer, &text);
            scope.spawn(move || {
                let task = json!([number, text]);
                assert_eq!(producer.process(Echo(json!({"echo": task}))).unwrap(), task);
            });
        }
    });
}

#[test]
fn sigterm_is_an_error_for_what_is_under_way() {
    let begun = Fifo::new(TMP, "producer-sigterm");
    let producer = spawn(1);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| error(&producer, json!({"wait": begun.path()})));
        begun.wait_for_task();
        assert_eq!(unsafe { libc::kill(producer.child_pid() as i32, libc::SIGTERM) }, 0);
        assert_eq!(waiter.join().unwrap(), "wait: cancelled");
    });
}

#[test]
fn memory_comes_from_the_preferred_node() {
    if !PathBuf::from("/proc/self/numa_maps").exists() {
        return eprintln!("skipped: a kernel without NUMA");
    }
    let producer = builder(1).env("VENUS_WORKER_NUMA_PREFERRED".into(), "0".into()).spawn::<Echo>().unwrap();
    let place = producer.process(Echo(json!({"where": true}))).unwrap();
    assert!(place["numa_maps"].as_str().unwrap().contains(" prefer:0 "), "{place}");
}

#[test]
fn what_does_not_work_of_the_environment_does_not_matter() {
    let producer = builder(1)
        .env("VENUS_WORKER_NUMA_PREFERRED".into(), "first".into())
        .cpuset("../../outside", "0")
        .spawn::<Echo>()
        .unwrap();
    assert_eq!(producer.process(Echo(json!({"echo": 1}))).unwrap(), 1);
}

/// A producer that is dropped leaves its child to live on.
fn kill(producer: &EchoProducer) {
    let child = producer.child_pid();
    unsafe {
        assert_eq!(libc::kill(child as i32, libc::SIGKILL), 0);
        let mut end = std::mem::zeroed();
        assert_eq!(libc::waitid(libc::P_PID, child, &mut end, libc::WEXITED | libc::WNOWAIT), 0);
    }
}

/// Gone with the test.
struct Group(String);

impl Group {
    fn folder(&self) -> PathBuf {
        PathBuf::from("/sys/fs/cgroup/cpuset").join(&self.0)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(self.folder());
        let _ = fs::remove_dir(self.folder().parent().unwrap());
    }
}

#[test]
fn it_runs_in_the_group_of_its_environment() {
    let group = Group(format!("scabbard-test-{}/pc2", std::process::id()));
    let above = group.folder().parent().unwrap().to_owned();
    if fs::create_dir(&above).is_err() {
        return eprintln!("skipped: no control groups of version 1 that this user may change");
    }
    fs::remove_dir(&above).unwrap();
    let producer = builder(1).cpuset(group.0.as_str(), "0").spawn::<Echo>().unwrap();
    let place = producer.process(Echo(json!({"where": true}))).unwrap();
    kill(&producer);
    assert!(place["cgroup"].as_str().unwrap().contains(&format!("/{}\n", group.0)), "{place}");
    assert!(place["status"].as_str().unwrap().contains("Cpus_allowed_list:\t0\n"), "{place}");
}
