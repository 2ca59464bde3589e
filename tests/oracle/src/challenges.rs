//! Which leaves of a sector a proof opens: filecoin-proofs' own answer.
use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use filecoin_hashers::{poseidon::PoseidonHasher, Hasher};
use filecoin_proofs_v1::{
    as_safe_commitment, generate_fallback_sector_challenges, with_shape, ChallengeSeed, PoStConfig,
};
use storage_proofs_core::{api_version::ApiVersion, merkle::MerkleTreeTrait, sector::SectorId};
use storage_proofs_post::fallback::{generate_leaf_challenges, PublicParams};

use crate::{
    proof_type::{ProofKind, ProofType},
    shape::SectorSize,
};

/// The challenges of a window proof over these sectors, or of a winning proof over each. As in a prover, sectors are
/// sorted and distinct.
pub fn of_request(
    proof_type: ProofType,
    seed: &ChallengeSeed,
    sectors: impl IntoIterator<Item = u64>,
) -> Result<BTreeMap<u64, Vec<u64>>> {
    let sectors: BTreeSet<u64> = sectors.into_iter().collect();
    let sectors: Vec<SectorId> = sectors.into_iter().map(SectorId::from).collect();
    let requests = match proof_type.kind {
        ProofKind::Winning => sectors.chunks(1),
        ProofKind::WindowV1 | ProofKind::Window => sectors.chunks(sectors.len().max(1)),
    };
    let configuration = proof_type.configuration();
    let mut all = BTreeMap::new();
    for request in requests {
        let challenges = with_shape!(proof_type.size.bytes(), of_request_shaped, &configuration, seed, request)?;
        all.extend(challenges.into_iter().map(|(sector, challenges)| (sector.into(), challenges)));
    }
    Ok(all)
}

fn of_request_shaped<Tree: 'static + MerkleTreeTrait>(
    configuration: &PoStConfig,
    seed: &ChallengeSeed,
    sectors: &[SectorId],
) -> Result<BTreeMap<SectorId, Vec<u64>>> {
    let unused_prover_id = [0; 32];
    generate_fallback_sector_challenges::<Tree>(configuration, seed, sectors, unused_prover_id)
}

/// The challenges with the indices 0 to `count` - 1. Every proof opens a range of them.
pub fn first(size: SectorSize, seed: &ChallengeSeed, sector: u64, count: usize) -> Result<Vec<u64>> {
    let randomness: <PoseidonHasher as Hasher>::Domain = as_safe_commitment(seed, "randomness")?;
    let parameters = PublicParams {
        sector_size: size.bytes(),
        challenge_count: count,
        sector_count: 1,
        api_version: ApiVersion::V1_2_0,
    };
    Ok(generate_leaf_challenges(&parameters, randomness, sector, count))
}
