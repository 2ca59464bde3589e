//! Answers as `damocles-worker processor window_post|winning_post` does, of which it is the last argument: with the
//! consumer of vc-processors and filecoin-proofs-api.
//!
//! Its environment changes what would make tests slow:
//! - ORACLE_WINDOW_SECTOR_COUNT: sectors in a partition, for a circuit of that size.
//! - ORACLE_VANILLA_ONLY=1: no SNARK. The one proof in an answer is the sha256 over the sha256 of each sector's vanilla
//!   proof, in order of sectors: the same from any copy of the files. Errors and faults are what they would be.
//! - RUST_BACKTRACE=0 keeps stack traces out of the errors in answers, as it does for the real one.
use std::{collections::BTreeMap, env};

use anyhow::{bail, ensure, Context, Result};
use filecoin_proofs_api::{
    post::{generate_window_post, generate_winning_post},
    PoStType, PrivateReplicaInfo, RegisteredPoStProof, SectorId, SnarkProof, StorageProofsError,
};
use oracle::{
    miner::prover_id,
    post_task::{PoStTask, Proofs, WindowPoSt, WindowPoStOutput, WinningPoSt, WinningPoStOutput},
    proof_type::set_window_sector_count,
    vanilla::{self, Outcome},
};
use sha2::{Digest, Sha256};
use vc_processors::core::{ext::run_consumer, Processor, Task};

#[derive(Clone, Copy, Default)]
struct StockProver;

impl Processor<WindowPoSt> for StockProver {
    fn process(&self, WindowPoSt(task): WindowPoSt) -> Result<WindowPoStOutput> {
        let proofs = if vanilla_only() {
            vanilla_digest(&task, PoStType::Window)
        } else {
            generate_window_post(&task.seed, &private_replicas(&task), prover_id(task.miner_id)).map(snarks)
        };
        match proofs {
            Ok(proofs) => Ok(WindowPoStOutput { proofs, faults: vec![] }),
            Err(error) => match error.downcast_ref() {
                Some(StorageProofsError::FaultySectors(sectors)) => Ok(WindowPoStOutput {
                    proofs: Proofs::default(),
                    faults: sectors.iter().map(|sector| (*sector).into()).collect(),
                }),
                _ => Err(error),
            },
        }
    }
}

impl Processor<WinningPoSt> for StockProver {
    fn process(&self, WinningPoSt(task): WinningPoSt) -> Result<WinningPoStOutput> {
        let proofs = if vanilla_only() {
            vanilla_digest(&task, PoStType::Winning)?
        } else {
            snarks(generate_winning_post(&task.seed, &private_replicas(&task), prover_id(task.miner_id))?)
        };
        Ok(WinningPoStOutput { proofs })
    }
}

fn vanilla_only() -> bool {
    env::var_os("ORACLE_VANILLA_ONLY").is_some_and(|value| value == "1")
}

fn private_replicas(task: &PoStTask) -> BTreeMap<SectorId, PrivateReplicaInfo> {
    let replicas = task.distinct_replicas().into_iter().map(|(sector, replica)| {
        let vanilla::Replica { comm_r, cache, sealed_file } = replica;
        (sector.into(), PrivateReplicaInfo::new(task.proof_type, comm_r, cache, sealed_file))
    });
    replicas.collect()
}

fn snarks(proofs: Vec<(RegisteredPoStProof, SnarkProof)>) -> Proofs {
    Proofs(proofs.into_iter().map(|(_, proof)| proof).collect())
}

fn vanilla_digest(task: &PoStTask, expected: PoStType) -> Result<Proofs> {
    let replicas = task.distinct_replicas();
    ensure!(!replicas.is_empty(), "no replicas supplied");
    ensure!(task.proof_type.typ() == expected, "invalid post type provided");
    ensure!(expected == PoStType::Window || replicas.len() == 1, "invalid amount of replicas");
    let mut digest = Sha256::new();
    let mut faults: Vec<SectorId> = Vec::new();
    for (sector, outcome) in vanilla::prove(task.proof_type.try_into()?, &task.seed, &replicas)? {
        match outcome {
            Outcome::Proven { sha256, .. } => digest.update(sha256),
            Outcome::Faulty(reason) => {
                eprintln!("sector {sector} is faulty: {reason}");
                faults.push(sector.into());
            }
        }
    }
    if !faults.is_empty() {
        bail!(StorageProofsError::FaultySectors(faults));
    }
    Ok(Proofs(vec![digest.finalize().to_vec()]))
}

fn main() -> Result<()> {
    if let Ok(count) = env::var("ORACLE_WINDOW_SECTOR_COUNT") {
        set_window_sector_count(count.parse().context("ORACLE_WINDOW_SECTOR_COUNT")?);
    }
    match env::args().next_back().unwrap_or_default().as_str() {
        WindowPoSt::STAGE => run_consumer::<WindowPoSt, StockProver>(),
        WinningPoSt::STAGE => run_consumer::<WinningPoSt, StockProver>(),
        stage => bail!("no stage of this prover: {stage}"),
    }
}
