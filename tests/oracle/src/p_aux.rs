//! The commitments of a sector, as they stand in its cache.
use std::{fs, path::Path};

use anyhow::{Context, Result};
use filecoin_hashers::{poseidon::PoseidonFunction, HashFunction};
use filecoin_proofs_v1::Commitment;
use storage_proofs_porep::stacked::PersistentAux;

use crate::node::Node;

/// Writes p_aux, and a t_aux that only has to be there. Any comm_c will do for a proof.
pub fn write(cache: &Path, comm_c: Node, comm_r_last: Node) -> Result<Commitment> {
    fs::write(cache.join("p_aux"), bincode::serialize(&PersistentAux { comm_c, comm_r_last })?)?;
    fs::write(cache.join("t_aux"), "no proof reads this")?;
    comm_r(cache)
}

pub fn comm_r(cache: &Path) -> Result<Commitment> {
    let path = cache.join("p_aux");
    let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    let p_aux: PersistentAux<Node> =
        bincode::deserialize(&bytes).with_context(|| format!("not a p_aux: {}", path.display()))?;
    Ok(PoseidonFunction::hash2(&p_aux.comm_c, &p_aux.comm_r_last).into())
}
