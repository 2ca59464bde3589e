//! A damocles-worker's side of a processor: the producer of vc-processors, with the child that `[[processors.STAGE]]`
//! names.
//!
//!   worker transfer|window_post|winning_post PROGRAM [ARGUMENT...]
//!
//! Each line of its input is a task, carried out beside the others; each line of its output tells how one ended:
//! `{"id": number of its line, from 0, "error": null or text, "output": null or what it gave}`. It ends after its input
//! and the last task.
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

const USAGE: &str = "worker transfer|window_post|winning_post PROGRAM [ARGUMENT...]";

/// What tasks and outputs look like is the tests' business; to the producer a stage is a type.
macro_rules! stages {
    ($($task:ident = $stage:literal),*) => {
        $(
            #[derive(Clone, Debug, Serialize, Deserialize)]
            #[serde(transparent)]
            struct $task(Value);

            impl Task for $task {
                const STAGE: &'static str = $stage;
                type Output = Value;
            }
        )*
    };
}

stages!(Transfer = "transfer", WindowPoSt = "window_post", WinningPoSt = "winning_post");

fn main() {
    let mut arguments = env::args().skip(1);
    let stage = arguments.next().expect(USAGE);
    let program = arguments.next().expect(USAGE);
    match stage.as_str() {
        Transfer::STAGE => run::<Transfer>(program, arguments.collect()),
        WindowPoSt::STAGE => run::<WindowPoSt>(program, arguments.collect()),
        WinningPoSt::STAGE => run::<WinningPoSt>(program, arguments.collect()),
        _ => panic!("{USAGE}"),
    }
}

fn run<T: Task<Output = Value>>(program: String, arguments: Vec<String>) {
    let producer = ProducerBuilder::<BoxedPrepareHook<T>, BoxedFinalizeHook<T>>::new(program.into(), arguments)
        .stable_timeout(Duration::from_secs(5))
        .spawn::<T>()
        .unwrap();
    thread::scope(|scope| {
        for (id, line) in io::stdin().lock().lines().enumerate() {
            let task: T = serde_json::from_str(&line.unwrap()).unwrap();
            let producer = &producer;
            scope.spawn(move || {
                let (error, output) = match producer.process(task) {
                    Ok(output) => (None, Some(output)),
                    Err(error) => (Some(error.to_string()), None),
                };
                let answer = json!({"id": id, "error": error, "output": output});
                writeln!(io::stdout().lock(), "{answer}").unwrap();
            });
        }
    });
}
