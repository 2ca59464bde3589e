//! What is proven of a sector: winning or window, in which version, for which size.
use anyhow::Result;
use clap::ValueEnum;
use filecoin_proofs_api::RegisteredPoStProof;
use filecoin_proofs_v1::{
    self as proofs, PoStConfig, PoStType, WINDOW_POST_CHALLENGE_COUNT, WINDOW_POST_SECTOR_COUNT,
    WINNING_POST_CHALLENGE_COUNT, WINNING_POST_SECTOR_COUNT,
};
use storage_proofs_core::api_version::ApiVersion;

use crate::shape::SectorSize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProofKind {
    /// One sector, 66 challenges
    Winning,
    /// V1 of a partition, whose challenges depend on a sector's place in the request
    WindowV1,
    /// V1_2 of a partition, 10 challenges a sector
    Window,
}

/// filecoin-proofs' own proof types leave out 16 KiB and 32 KiB.
#[derive(Clone, Copy, Debug)]
pub struct ProofType {
    pub kind: ProofKind,
    pub size: SectorSize,
}

impl ProofType {
    pub fn configuration(&self) -> PoStConfig {
        let window_sectors = WINDOW_POST_SECTOR_COUNT.read().unwrap()[&self.size.bytes()];
        let (typ, sector_count, challenge_count, api_version) = match self.kind {
            ProofKind::Winning => {
                (PoStType::Winning, WINNING_POST_SECTOR_COUNT, WINNING_POST_CHALLENGE_COUNT, ApiVersion::V1_0_0)
            }
            ProofKind::WindowV1 => (PoStType::Window, window_sectors, WINDOW_POST_CHALLENGE_COUNT, ApiVersion::V1_0_0),
            ProofKind::Window => (PoStType::Window, window_sectors, WINDOW_POST_CHALLENGE_COUNT, ApiVersion::V1_2_0),
        };
        PoStConfig {
            sector_size: proofs::SectorSize(self.size.bytes()),
            challenge_count,
            sector_count,
            typ,
            priority: true,
            api_version,
        }
    }
}

impl TryFrom<RegisteredPoStProof> for ProofType {
    type Error = anyhow::Error;

    fn try_from(registered: RegisteredPoStProof) -> Result<Self> {
        let kind = match (registered.typ(), registered.version()) {
            (PoStType::Winning, _) => ProofKind::Winning,
            (PoStType::Window, ApiVersion::V1_0_0) => ProofKind::WindowV1,
            (PoStType::Window, _) => ProofKind::Window,
        };
        Ok(Self { kind, size: SectorSize::of_bytes(registered.sector_size().into())? })
    }
}

/// How many sectors one partition has, for all sizes: a circuit for 2349 sectors is too large to be made in a test.
/// Parameters, prover and verifier have to agree on it.
pub fn set_window_sector_count(count: usize) {
    for of_size in WINDOW_POST_SECTOR_COUNT.write().unwrap().values_mut() {
        *of_size = count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_is_that_of_the_registered_type() {
        for registered in [
            RegisteredPoStProof::StackedDrgWinning8MiBV1,
            RegisteredPoStProof::StackedDrgWindow2KiBV1,
            RegisteredPoStProof::StackedDrgWindow64GiBV1_2,
        ] {
            let ours = ProofType::try_from(registered).unwrap().configuration();
            assert_eq!(format!("{ours:?}"), format!("{:?}", registered.as_v1_config()));
        }
    }
}
