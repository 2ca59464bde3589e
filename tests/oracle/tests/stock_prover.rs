//! The prover over its pipes: proofs that verify; faults and errors, which are the same without a SNARK.
mod support;

use std::{fs, path::PathBuf, thread};

use base64::{engine::general_purpose::STANDARD, Engine};
use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use support::{ask, make_parameters, must_say, oracle_command, task, Mode, Prover, Store, SEED};

const WINDOW: &str = "StackedDrgWindow2KiBV1_2";
const WINDOW_V1: &str = "StackedDrgWindow2KiBV1";
const WINNING: &str = "StackedDrgWinning2KiBV1";

fn digest(vanilla: &[Value]) -> String {
    let sums = vanilla.iter().flat_map(|line| hex::decode(line["sha256"].as_str().unwrap()).unwrap());
    STANDARD.encode(Sha256::digest(sums.collect::<Vec<u8>>()))
}

#[test]
fn window_proof_verifies() {
    make_parameters();
    let store = Store::new("2KiB");
    store.must_say("seal", "7,9,11", &[]);
    let replicas = [11, 7, 9, 7].map(|sector| store.replica(sector));
    let answer = Prover::new("window_post", Mode::Snark).answer(&task(WINDOW, replicas.to_vec()));
    assert_eq!(answer["err_msg"], Value::Null);
    assert_eq!(answer["output"]["faults"], json!([]));

    let proofs = answer["output"]["proofs"].as_array().unwrap();
    assert_eq!(proofs.len(), 1);
    let proof = proofs[0].as_str().unwrap();
    assert_eq!(STANDARD.decode(proof).unwrap().len(), 2 * 192, "two partitions");
    let options = ["--proof", "window", "--snark", proof, "--seed"];
    let verified = store.must_say("verify", "7,9,11", &[&options[..], &[SEED]].concat());
    assert_eq!(verified, [json!({"verified": true})]);

    let other_seed = "00".repeat(32);
    let said = store.ask("verify", "7,9,11", &[&options[..], &[&other_seed]].concat());
    assert!(!said.succeeded);
    assert_eq!(said.lines, [json!({"verified": false})]);
}

/// What may be wrong with sector 8, and whether that is its fault or an error for all.
type Damage = (&'static str, fn(&Store, &mut Value), bool);

const DAMAGES: [Damage; 9] = [
    ("a hole", |store, _| store.fill_with_zeros("sealed/s-t01000-8", 0, 2048), true),
    ("another comm_r", |_, task| task["replicas"][1]["comm_r"][0] = json!(1), true),
    ("no comm_r", |_, task| task["replicas"][1]["comm_r"] = vec![0; 32].into(), false),
    ("no p_aux", |store, _| fs::remove_file(store.path("cache/s-t01000-8/p_aux")).unwrap(), false),
    ("a short p_aux", |store, _| fs::write(store.path("cache/s-t01000-8/p_aux"), [1; 32]).unwrap(), false),
    ("no sealed file", |store, _| fs::remove_file(store.path("sealed/s-t01000-8")).unwrap(), false),
    ("no tree file", |store, _| fs::remove_file(tree_file(store)).unwrap(), false),
    ("a short tree file", |store, _| fs::write(tree_file(store), [1; 31]).unwrap(), false),
    ("a seed outside of the field", |_, task| task["seed"] = vec![255; 32].into(), false),
];

fn tree_file(store: &Store) -> PathBuf {
    store.path("cache/s-t01000-8/sc-02-data-tree-r-last.dat")
}

#[test]
fn damage_is_a_fault_or_an_error_with_and_without_a_snark() {
    make_parameters();
    for mode in [Mode::Snark, Mode::VanillaOnly] {
        let mut prover = Prover::new("window_post", mode);
        for (name, damage, is_fault) in DAMAGES {
            let store = Store::with_random("2KiB", "7,8,9");
            let mut task = task(WINDOW, vec![store.replica(7), store.replica(8), store.replica(9)]);
            damage(&store, &mut task);
            let answer = prover.answer(&task);
            if is_fault {
                assert_eq!(answer["output"], json!({"proofs": [], "faults": [8]}), "{mode:?}: {name}");
            }
            assert_eq!(answer["err_msg"].is_string(), !is_fault, "{mode:?}: {name}: {answer}");
        }
    }
}

#[test]
fn vanilla_only_gives_the_sum_of_all_vanilla_proofs() {
    let store = Store::with_random("2KiB", "7,9,11");
    let mut prover = Prover::new("window_post", Mode::VanillaOnly);
    for (proof_type, proof) in [(WINDOW, "window"), (WINDOW_V1, "window-v1")] {
        let replicas = [11, 7, 9, 7].map(|sector| store.replica(sector));
        let answer = prover.answer(&task(proof_type, replicas.to_vec()));
        let sum = digest(&store.must_prove(proof, "7,9,11"));
        assert_eq!(answer["output"], json!({"proofs": [sum], "faults": []}), "{answer}");
    }
}

#[test]
fn vanilla_only_winning_is_of_one_sector() {
    let store = Store::with_random("2KiB", "7,8");
    let mut prover = Prover::new("winning_post", Mode::VanillaOnly);
    let answer = prover.answer(&task(WINNING, vec![store.replica(7)]));
    assert_eq!(answer["output"], json!({"proofs": [digest(&store.must_prove("winning", "7"))]}));

    let answer = prover.answer(&task(WINNING, vec![store.replica(7), store.replica(8)]));
    assert_eq!(answer["err_msg"], "invalid amount of replicas");

    store.fill_with_zeros("sealed/s-t01000-7", 0, 2048);
    let answer = prover.answer(&task(WINNING, vec![store.replica(7)]));
    assert_eq!(answer["err_msg"], "faulty sectors [SectorId(7)]");
}

#[test]
fn a_prover_of_the_other_proof_refuses() {
    let store = Store::with_random("2KiB", "7");
    for (stage, proof_type) in [("window_post", WINNING), ("winning_post", WINDOW)] {
        for mode in [Mode::Snark, Mode::VanillaOnly] {
            let answer = Prover::new(stage, mode).answer(&task(proof_type, vec![store.replica(7)]));
            assert_eq!(answer["err_msg"], "invalid post type provided");
        }
    }
}

#[test]
fn parameters_are_the_same_whoever_makes_them() {
    let caches = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let makers = [0, 0, 1].map(|cache: usize| {
        let mut oracle = oracle_command(&["parameters", "--size", "2KiB", "--proof", "window"]);
        oracle.env("FIL_PROOFS_PARAMETER_CACHE", caches[cache].path());
        thread::spawn(move || ask(oracle))
    });
    let made = makers.map(|maker| maker.join().unwrap());
    assert!(made.iter().all(|said| said.succeeded));
    assert_eq!(made[0].lines, made[1].lines);
    for file in ["parameters", "verifying_key"] {
        let [one, other] = [0, 2].map(|maker| fs::read(made[maker].lines[0][file].as_str().unwrap()).unwrap());
        assert!(one == other, "{file}");
    }
    assert!(must_say(&["parameters", "--size", "2KiB", "--proof", "window"])[0]["parameters"].is_string());
}
