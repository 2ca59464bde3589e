//! The transferring side of a damocles-worker: the producer of vc-processors, with the child that
//! `[[processors.transfer]]` names.
//!
//!   worker PROGRAM [ARGUMENT...]
//!
//! Each line of its input is a task, carried out beside the others; each line of its output tells how one ended:
//! `{"id": number of its line, from 0, "error": null or text}`. It ends after its input and the last task.
use std::{
    env,
    io::{self, BufRead, Write},
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::{json, Value};
use vc_processors::core::{
    ext::{BoxedFinalizeHook, BoxedPrepareHook, ProducerBuilder},
    Processor, Task,
};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Transfer(Value);

impl Task for Transfer {
    const STAGE: &'static str = "transfer";
    type Output = bool;
}

type Builder = ProducerBuilder<BoxedPrepareHook<Transfer>, BoxedFinalizeHook<Transfer>>;

fn main() {
    let mut arguments = env::args().skip(1);
    let program = arguments.next().expect("worker PROGRAM [ARGUMENT...]");
    let producer = Builder::new(program.into(), arguments.collect())
        .stable_timeout(Duration::from_secs(5))
        .spawn::<Transfer>()
        .unwrap();
    thread::scope(|scope| {
        for (id, line) in io::stdin().lock().lines().enumerate() {
            let task = Transfer(serde_json::from_str(&line.unwrap()).unwrap());
            let producer = &producer;
            scope.spawn(move || {
                let error = producer.process(task).err().map(|error| error.to_string());
                writeln!(io::stdout().lock(), "{}", json!({"id": id, "error": error})).unwrap();
            });
        }
    });
}
