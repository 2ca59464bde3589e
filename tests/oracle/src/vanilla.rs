//! Vanilla proofs: what of a sector's files gets into a proof, before the SNARK hides it. Nothing in them is random, so
//! that equal ones tell of equal files.
use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result};
use filecoin_hashers::Hasher;
use filecoin_proofs_v1::{
    as_safe_commitment, with_shape, ChallengeSeed, Commitment, FallbackPoStSectorProof, PoStConfig, PrivateReplicaInfo,
};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use storage_proofs_core::{merkle::MerkleTreeTrait, proof::ProofScheme, sector::SectorId};
use storage_proofs_post::fallback::{
    vanilla_proof, FallbackPoSt, PrivateInputs, PrivateSector, Proof, PublicInputs, PublicParams, PublicSector,
};

use crate::{
    challenges,
    proof_type::{ProofKind, ProofType},
};

#[derive(Clone, Debug)]
pub struct Replica {
    pub comm_r: Commitment,
    pub cache: PathBuf,
    pub sealed_file: PathBuf,
}

#[derive(Debug)]
pub enum Outcome {
    /// Made and verified. The bytes are those that filecoin-proofs-api gives a caller, and are not kept: a partition
    /// has gigabytes of them.
    Proven { sha256: [u8; 32], bytes: usize },
    /// What the prover reports as a faulty sector, and its reason.
    Faulty(String),
}

/// Makes and verifies what a window proof over these sectors, or a winning proof over each, consists of. As in the
/// prover, what cannot be opened is an error for all, and only what is wrong inside the files is a fault; unlike it,
/// this has the files of few sectors open at a time.
pub fn prove(
    proof_type: ProofType,
    seed: &ChallengeSeed,
    replicas: &BTreeMap<u64, Replica>,
) -> Result<BTreeMap<u64, Outcome>> {
    with_shape!(proof_type.size.bytes(), prove_shaped, proof_type, seed, replicas)
}

struct Request<Tree: MerkleTreeTrait> {
    configuration: PoStConfig,
    randomness: <Tree::Hasher as Hasher>::Domain,
}

struct Sector<Tree: MerkleTreeTrait> {
    id: SectorId,
    /// In its request.
    place: usize,
    challenges: Vec<u64>,
    replica: PrivateReplicaInfo<Tree>,
}

fn prove_shaped<Tree: 'static + MerkleTreeTrait>(
    proof_type: ProofType,
    seed: &ChallengeSeed,
    replicas: &BTreeMap<u64, Replica>,
) -> Result<BTreeMap<u64, Outcome>> {
    let request = Request::<Tree> {
        configuration: proof_type.configuration(),
        randomness: as_safe_commitment(seed, "randomness")?,
    };
    let mut challenges = challenges::of_request(proof_type, seed, replicas.keys().copied())?;
    let mut sectors = Vec::with_capacity(replicas.len());
    for (place, (id, replica)) in replicas.iter().enumerate() {
        sectors.push(Sector {
            id: (*id).into(),
            place: if proof_type.kind == ProofKind::Winning { 0 } else { place },
            challenges: challenges.remove(id).expect("one for each sector"),
            replica: PrivateReplicaInfo::new(replica.sealed_file.clone(), replica.comm_r, replica.cache.clone())
                .with_context(|| format!("sector {id}"))?,
        });
    }
    sectors.par_iter().map(|sector| Ok((sector.id.into(), prove_sector(&request, sector)?))).collect()
}

fn prove_sector<Tree: 'static + MerkleTreeTrait>(request: &Request<Tree>, sector: &Sector<Tree>) -> Result<Outcome> {
    let tree = sector
        .replica
        .merkle_tree(request.configuration.sector_size)
        .with_context(|| format!("merkle_tree failed: {:?}", sector.id))?;
    let private_sector = PrivateSector::<Tree> {
        tree: &tree,
        comm_c: sector.replica.safe_comm_c(),
        comm_r_last: sector.replica.safe_comm_r_last(),
    };
    let private_inputs = PrivateInputs { sectors: &[private_sector] };
    let proof = match vanilla_proof(sector.id, &private_inputs, &sector.challenges) {
        Ok(proof) => proof,
        Err(error) => return Ok(Outcome::Faulty(format!("{error:#}"))),
    };
    if !verify(request, sector, &proof)? {
        return Ok(Outcome::Faulty("comm_r is not that of p_aux".to_owned()));
    }
    let proof = FallbackPoStSectorProof::<Tree> {
        sector_id: sector.id,
        comm_r: sector.replica.safe_comm_r()?,
        vanilla_proof: proof,
    };
    let bytes = bincode::serialize(&proof)?;
    Ok(Outcome::Proven { sha256: Sha256::digest(&bytes).into(), bytes: bytes.len() })
}

/// With one sector to a partition, the sector's place in the request is its partition's number.
fn verify<Tree: 'static + MerkleTreeTrait>(
    request: &Request<Tree>,
    sector: &Sector<Tree>,
    proof: &Proof<Tree::Proof>,
) -> Result<bool> {
    let parameters = PublicParams {
        sector_size: request.configuration.sector_size.into(),
        challenge_count: sector.challenges.len(),
        sector_count: 1,
        api_version: request.configuration.api_version,
    };
    let inputs = PublicInputs {
        randomness: request.randomness,
        prover_id: Default::default(),
        sectors: vec![PublicSector { id: sector.id, comm_r: sector.replica.safe_comm_r()? }],
        k: Some(sector.place),
    };
    FallbackPoSt::<Tree>::verify(&parameters, &inputs, proof)
}
