//! Challenges, in the process and from the command line.
mod support;

use std::time::{Duration, Instant};

use oracle::{
    challenges::{first, of_request},
    proof_type::{
        ProofKind::{Window, WindowV1, Winning},
        ProofType,
    },
};
use serde_json::{json, Value};
use support::{ask_with_input, must_say, oracle_command, seed, SEED};

const OF_32_GIB: [u64; 10] =
    [608454561, 354995621, 399825389, 347619957, 956114980, 576011694, 205773363, 128991383, 1039344964, 907731871];
const OF_2_KIB: [u64; 10] = [33, 37, 45, 53, 36, 46, 51, 23, 4, 31];

fn challenges(kind: oracle::proof_type::ProofKind, size: &str, sectors: &[u64]) -> Vec<(u64, Vec<u64>)> {
    let proof_type = ProofType { kind, size: size.parse().unwrap() };
    of_request(proof_type, &seed(), sectors.iter().copied()).unwrap().into_iter().collect()
}

#[test]
fn known_answers() {
    assert_eq!(challenges(Window, "32GiB", &[7]), [(7, OF_32_GIB.to_vec())]);
    assert_eq!(challenges(Window, "2KiB", &[7]), [(7, OF_2_KIB.to_vec())]);
}

#[test]
fn window_challenges_depend_on_the_place_in_v1_only() {
    let alone = challenges(Window, "8MiB", &[9]);
    assert_eq!(challenges(Window, "8MiB", &[9, 3, 5])[2], alone[0]);

    assert_eq!(challenges(WindowV1, "8MiB", &[9]), alone);
    let indices = first("8MiB".parse().unwrap(), &seed(), 9, 30).unwrap();
    assert_eq!(challenges(WindowV1, "8MiB", &[9, 3, 5])[2], (9, indices[20..].to_vec()));
}

#[test]
fn place_counts_distinct_sectors_in_order() {
    assert_eq!(challenges(WindowV1, "8MiB", &[9, 3, 9, 5, 3]), challenges(WindowV1, "8MiB", &[3, 5, 9]));
}

#[test]
fn place_goes_on_across_partitions() {
    let sectors: Vec<u64> = (0..2400).collect();
    let last = challenges(WindowV1, "32GiB", &sectors).pop().unwrap();
    assert_eq!(last.1, first("32GiB".parse().unwrap(), &seed(), 2399, 24_000).unwrap()[23_990..]);
}

#[test]
fn a_winning_proof_opens_66_leaves_of_each_sector() {
    for (sector, challenges) in challenges(Winning, "64GiB", &[3, 5]) {
        assert_eq!(challenges, first("64GiB".parse().unwrap(), &seed(), sector, 66).unwrap());
    }
}

#[test]
fn command_prints_a_line_for_each_sector() {
    let said = must_say(&["challenges", "--size", "32GiB", "--proof", "window", "--seed", SEED, "--sectors", "7,1-2"]);
    let sectors: Vec<&Value> = said.iter().map(|line| &line["sector"]).collect();
    assert_eq!(sectors, [1, 2, 7]);
    assert_eq!(said[2], json!({"sector": 7, "challenges": OF_32_GIB}));
}

#[test]
fn command_answers_thousands_of_requests_in_their_order() {
    let request = |sector| {
        json!({"proof_type": "StackedDrgWindow2KiBV1_2", "seed": SEED, "sectors": [sector]}).to_string() + "\n"
    };
    let start = Instant::now();
    let answers = ask_with_input(oracle_command(&["challenges", "--stdin"]), (0..5000).map(request).collect());
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(answers.len(), 5000);
    for (sector, answer) in answers.iter().enumerate() {
        assert_eq!(answer["sectors"][0]["sector"], sector);
    }
    assert_eq!(answers[7], json!({"sectors": [{"sector": 7, "challenges": OF_2_KIB}]}));
}

#[test]
fn command_goes_on_after_a_request_that_is_wrong() {
    let outside_of_the_field = "ff".repeat(32);
    let requests = [
        json!({"proof_type": "StackedDrgWindow2KiBV1_2", "seed": outside_of_the_field, "sectors": [7]}),
        json!({"proof_type": "StackedDrgWindow1KiBV1", "seed": SEED, "sectors": [7]}),
        json!({"proof_type": "StackedDrgWinning2KiBV1", "seed": SEED, "sectors": [7]}),
    ];
    let input = requests.iter().map(|request| format!("{request}\n")).collect();
    let answers = ask_with_input(oracle_command(&["challenges", "--stdin"]), input);
    assert!(answers[0]["error"].as_str().unwrap().contains("randomness"));
    assert!(answers[1]["error"].is_string());
    assert_eq!(answers[2]["sectors"][0]["challenges"].as_array().unwrap().len(), 66);
}
