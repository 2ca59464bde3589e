//! What damocles asks a prover, and what it is answered: the tasks `window_post` and `winning_post` of its worker.
use std::{collections::BTreeMap, path::PathBuf};

use base64::{engine::general_purpose::STANDARD, Engine};
use filecoin_proofs_api::{ChallengeSeed, Commitment, RegisteredPoStProof};
use serde::{de::Error, Deserialize, Deserializer, Serialize, Serializer};
use vc_processors::core::Task;

use crate::vanilla;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PoStTask {
    pub miner_id: u64,
    pub proof_type: RegisteredPoStProof,
    pub replicas: Vec<Replica>,
    pub seed: ChallengeSeed,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Replica {
    pub sector_id: u64,
    pub comm_r: Commitment,
    pub cache_dir: PathBuf,
    pub sealed_file: PathBuf,
}

impl PoStTask {
    /// By sector. A sector that is named twice, as damocles does to fill up a partition, is one; the last one counts.
    pub fn distinct_replicas(&self) -> BTreeMap<u64, vanilla::Replica> {
        let distinct = self.replicas.iter().cloned().map(|replica| {
            let Replica { sector_id, comm_r, cache_dir, sealed_file } = replica;
            (sector_id, vanilla::Replica { comm_r, cache: cache_dir, sealed_file })
        });
        distinct.collect()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WindowPoSt(pub PoStTask);

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct WindowPoStOutput {
    pub proofs: Proofs,
    pub faults: Vec<u64>,
}

impl Task for WindowPoSt {
    const STAGE: &'static str = "window_post";
    type Output = WindowPoStOutput;
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WinningPoSt(pub PoStTask);

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct WinningPoStOutput {
    pub proofs: Proofs,
}

impl Task for WinningPoSt {
    const STAGE: &'static str = "winning_post";
    type Output = WinningPoStOutput;
}

/// In base64 on the wire.
#[derive(Debug, Default)]
pub struct Proofs(pub Vec<Vec<u8>>);

impl Serialize for Proofs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|proof| STANDARD.encode(proof)))
    }
}

impl<'de> Deserialize<'de> for Proofs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let proofs = texts.iter().map(|text| STANDARD.decode(text)).collect::<Result<_, _>>();
        proofs.map(Self).map_err(D::Error::custom)
    }
}
