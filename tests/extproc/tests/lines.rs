//! Byte by byte, and what no sound parent does.
use std::{collections::HashSet, os::unix::process::ExitStatusExt};

use extproc_tests::{Fifo, Parent, READY};
use serde_json::{json, Value};

const TMP: &str = env!("CARGO_TARGET_TMPDIR");

fn request(id: u64, task: Value) -> String {
    format!("{}\n", json!({"id": id, "task": task}))
}

fn success(id: u64, output: Value) -> Value {
    json!({"id": id, "err_msg": null, "output": output})
}

fn failure(id: u64, message: &str) -> Value {
    json!({"id": id, "err_msg": message, "output": null})
}

/// That of the stock child.
fn assert_ended_with_1(parent: Parent) -> String {
    let (status, log) = parent.end();
    assert_eq!(status.code(), Some(1), "{status}: {log}");
    log
}

#[test]
fn it_says_that_it_is_ready_and_nothing_else() {
    let mut parent = Parent::new(&["1"]);
    assert_eq!(parent.line(), READY);
    parent.close_requests();
    assert_eq!(parent.line(), "");
}

#[test]
fn a_request_as_go_writes_it() {
    let mut parent = Parent::of_ready(&["1"]);
    parent.send(b"{\"id\":18446744073709551615,\"task\":{\"echo\":\"\\u003ca\\u003e \\u0026 \\u2028 \\ud83d\\udde1 \xc3\xa9\"}}\n");
    assert_eq!(parent.answer(), success(u64::MAX, json!("<a> & \u{2028} \u{1f5e1} é")));
}

#[test]
fn fields_that_it_does_not_know_are_ignored() {
    let mut parent = Parent::of_ready(&["1"]);
    parent.send("{\"trace\": {\"id\": 8}, \"task\": {\"echo\": 1, \"more\": []}, \"id\": 7, \"deadline\": null}\r\n");
    assert_eq!(parent.answer(), success(7, json!(1)));
}

#[test]
fn blank_lines_are_passed_over() {
    let mut parent = Parent::of_ready(&["1"]);
    parent.send(format!("\n  \t\r\n{}", request(1, json!({"echo": 1}))));
    assert_eq!(parent.answer(), success(1, json!(1)));
    parent.close_requests();
    assert!(!assert_ended_with_1(parent).contains("line"));
}

#[test]
fn malformed_json_with_an_id_is_answered() {
    let mut parent = Parent::of_ready(&["1"]);
    parent.send("{\"id\":5,\"task\":{\"echo\":\n{\"id\":6}\n{\"id\":7,\"task\":{\"echo\":\"\\q\"}}\n");
    for id in 5..8 {
        let answer = parent.answer();
        assert_eq!(answer["id"], id);
        assert!(answer["err_msg"].as_str().unwrap().starts_with("read the request: "), "{answer}");
        assert!(answer["output"].is_null());
    }
}

#[test]
fn malformed_json_without_an_id_is_a_line_in_the_log() {
    let mut parent = Parent::of_ready(&["1"]);
    parent.send(b"what?\n[]\n{\"task\":{\"echo\":1}}\n{\"id\":-1,\"task\":{}}\n{\"id\":12\n\xff\xfe\n\0\n");
    parent.send(request(9, json!({"echo": 9})));
    assert_eq!(parent.answer(), success(9, json!(9)));
    parent.close_requests();
    assert_eq!(parent.line(), "");
    let log = assert_ended_with_1(parent);
    assert_eq!(log.matches("a line was passed over").count(), 7, "{log}");
}

#[test]
fn a_line_of_more_than_64_mib_is_passed_over() {
    let mut parent = Parent::of_ready(&["1"]);
    parent.send("{\"id\":3,\"task\":{\"echo\":\"");
    let mebibyte = "x".repeat(1 << 20);
    for _ in 0..64 {
        parent.send(&mebibyte);
    }
    parent.send("\"}}\n");
    assert_eq!(parent.answer(), failure(3, "read the request: the line is too long"));
    parent.send(request(4, json!({"echo": mebibyte})));
    assert_eq!(parent.answer(), success(4, json!(mebibyte)));
}

#[test]
fn half_a_line_and_the_death_of_the_parent() {
    let mut parent = Parent::of_ready(&["1"]);
    let line = request(1, json!({"echo": 1}));
    parent.send(line.trim_end()); // whole, but for its end
    parent.close_requests();
    assert_eq!(parent.line(), "");
    assert_ended_with_1(parent);
}

#[test]
fn closed_requests_end_it_and_what_is_under_way() {
    let begun = Fifo::new(TMP, "closed-requests");
    let mut parent = Parent::of_ready(&["1"]);
    parent.send(request(1, json!({"wait": begun.path()})));
    parent.send(request(2, json!({"echo": 1})));
    begun.wait_for_task();
    parent.close_requests();
    assert_eq!(parent.answer(), failure(1, "wait: cancelled"));
    assert_eq!(parent.answer(), failure(2, "begin the task: cancelled"));
    assert_eq!(parent.line(), "");
    assert_ended_with_1(parent);
}

#[test]
fn a_task_that_does_not_end_does_not_keep_it() {
    let held = Fifo::new(TMP, "does-not-end");
    let begun = Fifo::new(TMP, "does-not-end-begun");
    let mut parent = Parent::of_ready(&["2", "1"]);
    parent.send(request(1, json!({"hold": held.path()})));
    parent.send(request(2, json!({"wait": begun.path()})));
    begun.wait_for_task();
    parent.close_requests();
    assert_ended_with_1(parent);
}

#[test]
fn a_parent_that_stops_reading_can_go_on_writing_and_loses_no_answer() {
    let mut parent = Parent::of_ready(&["2"]);
    let text = "x".repeat(1 << 20);
    for id in 0..30 {
        parent.send(request(id, json!({"echo": text})));
    }
    let mut ids = HashSet::new();
    for _ in 0..30 {
        let answer = parent.answer();
        assert_eq!(answer["output"], text);
        ids.insert(answer["id"].as_u64().unwrap());
    }
    assert_eq!(ids.len(), 30);
}

#[test]
fn a_parent_that_stops_reading_can_end_it() {
    let mut parent = Parent::of_ready(&["1", "1"]);
    parent.send(request(1, json!({"echo": "x".repeat(1 << 20)})));
    parent.close_requests();
    assert_ended_with_1(parent);
}

#[test]
fn closed_answers_end_it_without_a_signal() {
    let begun = Fifo::new(TMP, "closed-answers");
    let mut parent = Parent::of_ready(&["1"]);
    parent.send(request(1, json!({"wait": begun.path()})));
    begun.wait_for_task();
    parent.close_answers();
    let log = assert_ended_with_1(parent);
    assert!(log.contains("write answers"), "{log}");
}

#[test]
fn sigterm_ends_it_by_that_signal_once_all_is_answered() {
    let begun = Fifo::new(TMP, "sigterm");
    let mut parent = Parent::of_ready(&["1"]);
    parent.send(request(1, json!({"wait": begun.path()})));
    begun.wait_for_task();
    parent.signal(libc::SIGTERM);
    assert_eq!(parent.answer(), failure(1, "wait: cancelled"));
    assert_eq!(parent.line(), "");
    let (status, log) = parent.end();
    assert_eq!(status.signal(), Some(libc::SIGTERM), "{status}: {log}");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let held = Fifo::new(TMP, "second-signal");
    let begun = Fifo::new(TMP, "second-signal-begun");
    let mut parent = Parent::of_ready(&["2", "3600000"]);
    parent.send(request(1, json!({"hold": held.path()})));
    parent.send(request(2, json!({"wait": begun.path()})));
    begun.wait_for_task();
    parent.signal(libc::SIGTERM);
    assert_eq!(parent.answer(), failure(2, "wait: cancelled"));
    parent.signal(libc::SIGTERM);
    let (status, log) = parent.end();
    assert_eq!(status.signal(), Some(libc::SIGTERM), "{status}: {log}");
}
