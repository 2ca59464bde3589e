//! Whether a proof that came over the wire is one: its bytes are random, so that nothing else can be said of it.
use std::collections::BTreeMap;

use anyhow::{bail, Result};
use filecoin_proofs_v1::{
    verify_window_post, verify_winning_post, with_shape, ChallengeSeed, Commitment, PublicReplicaInfo,
};
use storage_proofs_core::{merkle::MerkleTreeTrait, sector::SectorId};

use crate::{
    miner::prover_id,
    proof_type::{ProofKind, ProofType},
};

/// Needs the verifying key that [`crate::parameters::make`] makes.
pub fn verify(
    proof_type: ProofType,
    seed: &ChallengeSeed,
    miner: u64,
    commitments: &BTreeMap<u64, Commitment>,
    proof: &[u8],
) -> Result<bool> {
    with_shape!(proof_type.size.bytes(), verify_shaped, proof_type, seed, miner, commitments, proof)
}

fn verify_shaped<Tree: 'static + MerkleTreeTrait>(
    proof_type: ProofType,
    seed: &ChallengeSeed,
    miner: u64,
    commitments: &BTreeMap<u64, Commitment>,
    proof: &[u8],
) -> Result<bool> {
    let configuration = proof_type.configuration();
    let mut replicas: BTreeMap<SectorId, PublicReplicaInfo> = BTreeMap::new();
    for (sector, comm_r) in commitments {
        replicas.insert((*sector).into(), PublicReplicaInfo::new(*comm_r)?);
    }
    match proof_type.kind {
        ProofKind::Winning => {
            let replicas: Vec<_> = replicas.into_iter().collect();
            if replicas.len() != 1 {
                bail!("a winning proof is of one sector, not of {}", replicas.len());
            }
            verify_winning_post::<Tree>(&configuration, seed, &replicas, prover_id(miner), proof)
        }
        ProofKind::WindowV1 | ProofKind::Window => {
            verify_window_post::<Tree>(&configuration, seed, &replicas, prover_id(miner), proof)
        }
    }
}
