//! Sectors of every kind can be proven, and what is wrong in one is found.
mod support;

use std::fs;

use oracle::challenges::first;
use serde_json::Value;
use support::{seed, Store, SEED};

const PROOFS: [&str; 3] = ["window", "window-v1", "winning"];

/// Bytes of a leaf of sector 7 that each proof opens.
fn challenged_byte(size: &str) -> u64 {
    first(size.parse().unwrap(), &seed(), 7, 1).unwrap()[0] * 32
}

fn tree_file_lengths(store: &Store) -> Vec<u64> {
    let files = fs::read_dir(store.path("cache/s-t01000-7")).unwrap().map(Result::unwrap);
    let tree_files = files.filter(|file| file.file_name().to_str().unwrap().starts_with("sc-02-data-tree-r-last"));
    tree_files.map(|file| file.metadata().unwrap().len()).collect()
}

#[test]
fn sealed_sectors_are_proven() {
    let store = Store::new("2KiB");
    store.must_say("seal", "7,8", &[]);
    assert_eq!(tree_file_lengths(&store), [32]);
    for proof in PROOFS {
        store.must_prove(proof, "7,8");
    }
}

#[test]
fn random_replicas_are_proven() {
    for (size, tree_files) in [("16KiB", vec![32; 8]), ("32KiB", vec![32; 16]), ("8MiB", vec![18_720])] {
        let store = Store::with_random(size, "7,8");
        assert_eq!(tree_file_lengths(&store), tree_files);
        for proof in PROOFS {
            store.must_prove(proof, "7,8");
        }
    }
}

#[test]
fn rows_discarded_change_files_but_not_proofs() {
    let store = Store::new("8MiB");
    let mut proven = Vec::new();
    for (rows, bytes) in [("0", 1_198_368), ("1", 149_792), ("2", 18_720)] {
        store.must_say("random", "7", &["--rows-discarded", rows]);
        assert_eq!(tree_file_lengths(&store), [bytes]);
        let options = ["--proof", "winning", "--seed", SEED, "--rows-discarded", rows];
        proven.push(store.must_say("vanilla", "7", &options));
    }
    assert!(proven[0] == proven[1] && proven[1] == proven[2]);
}

#[test]
fn large_sparse_replicas_are_proven() {
    for (size, tree_files) in [("32GiB", 8), ("64GiB", 16)] {
        let store = Store::new(size);
        store.must_say("sparse", "7,8", &["--seed", SEED]);
        assert_eq!(tree_file_lengths(&store), vec![9_586_976; tree_files]);
        for proof in PROOFS {
            store.must_prove(proof, "7,8");
        }
    }
}

#[test]
fn sparse_replica_is_filled_where_it_is_challenged() {
    let store = Store::new("32GiB");
    store.must_say("sparse", "7", &["--seed", SEED]);
    store.fill_with_zeros("sealed/s-t01000-7", challenged_byte("32GiB"), 32);
    for proof in PROOFS {
        let said = store.vanilla(proof, "7");
        assert!(!said.succeeded && said.lines[0]["fault"].is_string(), "{proof}: {:?}", said.lines);
    }
}

#[test]
fn zero_replica_is_proven_under_any_number() {
    let store = Store::new("32GiB");
    let made = store.must_say("zero", "7,100", &[]);
    assert_eq!(made[0]["comm_r"], made[1]["comm_r"]);
    assert_eq!(tree_file_lengths(&store), [9_586_976; 8]);
    for proof in PROOFS {
        let proven = store.must_prove(proof, "7,100");
        assert_ne!(proven[0]["sha256"], proven[1]["sha256"]);
    }
}

#[test]
fn updated_sector_is_another_one() {
    let store = Store::with_random("16KiB", "7");
    store.must_say("random", "7", &["--update"]);
    let proven = store.must_say("vanilla", "7", &["--proof", "window", "--seed", SEED, "--update"]);
    assert_ne!(proven, store.must_prove("window", "7"));
    assert!(store.path("update/s-t01000-7").is_file());
    assert!(store.path("update-cache/s-t01000-7/sc-02-data-tree-r-last-7.dat").is_file());
}

#[test]
fn the_same_arguments_give_the_same_bytes() {
    for (verb, size, options) in [
        ("seal", "2KiB", &[][..]),
        ("random", "16KiB", &[]),
        ("sparse", "8MiB", &["--seed", SEED]),
        ("zero", "8MiB", &[]),
    ] {
        let (one, other) = (Store::new(size), Store::new(size));
        assert_eq!(one.must_say(verb, "7", options), other.must_say(verb, "7", options));
        // The one store's path stands in a sealed sector's t_aux.
        let without_t_aux = |store: &Store| {
            let mut contents = store.contents();
            contents.retain(|name, _| !name.ends_with("t_aux"));
            contents
        };
        assert!(without_t_aux(&one) == without_t_aux(&other), "{verb}");
        assert_eq!(one.must_prove("winning", "7"), other.must_prove("winning", "7"));
    }
}

#[test]
fn making_a_sector_again_replaces_it() {
    let store = Store::with_random("16KiB", "7");
    let proven = store.must_prove("window", "7");
    store.must_say("zero", "7", &[]);
    store.must_say("random", "7", &[]);
    assert_eq!(store.must_prove("window", "7"), proven);
}

#[test]
fn comm_r_is_told_later() {
    let store = Store::new("2KiB");
    let made = store.must_say("seal", "7,8", &[]);
    assert_eq!(store.must_say("comm-r", "7,8", &[]), made);
}

#[test]
fn flipped_byte_is_a_fault_where_it_is_read() {
    let size = "8MiB";
    let segment = 512 * 32;
    let challenged = first(size.parse().unwrap(), &seed(), 7, 10).unwrap();
    let unchallenged =
        (0..).find(|segment| challenged.iter().all(|leaf| leaf / 512 != *segment)).expect("10 of 512 are challenged");
    let root = 18_720 - 32;
    let store = Store::with_random(size, "7");
    for (file, offset, is_read) in [
        ("sealed/s-t01000-7", challenged_byte(size), true),
        ("sealed/s-t01000-7", challenged_byte(size) / segment * segment, true),
        ("sealed/s-t01000-7", unchallenged * segment, false),
        ("cache/s-t01000-7/sc-02-data-tree-r-last.dat", root, true),
        ("cache/s-t01000-7/t_aux", 0, false),
    ] {
        store.flip_byte(file, offset);
        assert_eq!(store.vanilla("window", "7").succeeded, !is_read, "{file} at {offset}");
        store.flip_byte(file, offset);
    }
}

#[test]
fn fault_of_one_sector_leaves_the_others() {
    let store = Store::with_random("16KiB", "7,8,9");
    let proven = store.must_prove("window", "7,8,9");
    store.fill_with_zeros("sealed/s-t01000-8", 0, 16 << 10);
    let said = store.vanilla("window", "7,8,9");
    assert!(!said.succeeded);
    assert!(matches!(&said.lines[1]["fault"], Value::String(reason) if reason.contains('8')));
    assert_eq!([&said.lines[0], &said.lines[2]], [&proven[0], &proven[2]]);
}
