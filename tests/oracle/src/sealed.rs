//! Sectors that are really sealed, up to the replica and its tree; their piece is pseudo-random.
use std::fs::{self, File, OpenOptions};

use anyhow::{bail, Result};
use filecoin_proofs_api::{
    seal::{add_piece, clear_cache, seal_pre_commit_phase1, seal_pre_commit_phase2},
    Commitment, PaddedBytesAmount, RegisteredSealProof, UnpaddedBytesAmount,
};

use crate::{miner::prover_id, node::NodeStream, sector_folder::SectorFolder, shape::SectorSize};

/// Takes 10 s of processor time for 8 MiB, 10 minutes for 512 MiB.
pub fn write(size: SectorSize, folder: &SectorFolder, miner: u64, sector: u64) -> Result<Commitment> {
    let proof = match size.to_string().as_str() {
        "2KiB" => RegisteredSealProof::StackedDrg2KiBV1_1,
        "8MiB" => RegisteredSealProof::StackedDrg8MiBV1_1,
        "512MiB" => RegisteredSealProof::StackedDrg512MiBV1_1,
        _ => bail!("sectors of {size} are not sealed here: it takes too long, or no network has them"),
    };
    folder.make_empty()?;
    let stream = NodeStream::new(&format!("piece {size} {}", folder.label));
    let unsealed_file = folder.sealed_file.with_extension("unsealed");
    let piece_bytes = UnpaddedBytesAmount::from(PaddedBytesAmount(size.bytes()));
    let piece: Vec<u8> =
        (0..size.leaves()).flat_map(|index| stream.bytes(index)).take(u64::from(piece_bytes) as usize).collect();
    let target = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(&unsealed_file)?;
    let (piece, _) = add_piece(proof, &piece[..], target, piece_bytes, &[])?;
    File::create(&folder.sealed_file)?;

    let ticket = stream.bytes(size.leaves());
    let prover = prover_id(miner);
    let number = sector.into();
    let phase1 = seal_pre_commit_phase1(
        proof,
        &folder.cache,
        &unsealed_file,
        &folder.sealed_file,
        prover,
        number,
        ticket,
        &[piece],
    )?;
    let phase2 = seal_pre_commit_phase2(phase1, &folder.cache, &folder.sealed_file)?;
    clear_cache(&folder.cache)?;
    fs::remove_file(&unsealed_file)?;
    Ok(phase2.comm_r)
}
