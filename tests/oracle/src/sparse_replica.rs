//! Sectors of any size in a fraction of a second and little space: the replica is a hole but for the segments that one
//! seed's challenges hit.
//!
//! They can be proven for every seed, but only for that one does a proof tell whether all of it was read: elsewhere the
//! replica is zero, and so is a hole in a copy.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    os::unix::fs::FileExt,
};

use anyhow::Result;
use filecoin_proofs_v1::{ChallengeSeed, Commitment};

use crate::{
    challenges,
    node::{root_over, Node, NodeStream, NODE_BYTES},
    p_aux,
    sector_folder::SectorFolder,
    shape::{SectorSize, Shape},
    tree_r_last,
};

/// Fills what the first `challenges` challenges of the sector hit. 66 are all of a winning proof, of a window proof,
/// and of a V1 window proof for the first six sectors of a request.
pub fn write(
    size: SectorSize,
    folder: &SectorFolder,
    seed: &ChallengeSeed,
    sector: u64,
    challenges: usize,
) -> Result<Commitment> {
    folder.make_empty()?;
    let shape = Shape::of(size);
    let stream = NodeStream::new(&format!("sparse {size} {}", folder.label));
    let leaves = challenges::first(size, seed, sector, challenges)?;
    let segments = leaves.iter().map(|leaf| *leaf as usize / shape.segment_leaves()).collect();
    let segment_roots = write_segments(&shape, folder, &stream, segments)?;
    for (file, path) in tree_r_last::paths(&shape, folder)?.iter().enumerate() {
        let first = file * shape.segments_per_file();
        let in_file = segment_roots.range(first..first + shape.segments_per_file());
        tree_r_last::write_sparse(&shape, path, in_file.map(|(segment, root)| (segment - first, *root)).collect())?;
    }
    p_aux::write(&folder.cache, stream.node(size.leaves()), tree_r_last::root(&shape, folder)?)
}

fn write_segments(
    shape: &Shape,
    folder: &SectorFolder,
    stream: &NodeStream,
    segments: BTreeSet<usize>,
) -> Result<BTreeMap<usize, Node>> {
    let sealed_file = File::create(&folder.sealed_file)?;
    sealed_file.set_len(shape.size.bytes())?;
    let mut roots = BTreeMap::new();
    for segment in segments {
        let first = (segment * shape.segment_leaves()) as u64;
        let leaves: Vec<Node> = (first..first + shape.segment_leaves() as u64).map(|leaf| stream.node(leaf)).collect();
        let bytes: Vec<u8> = leaves.iter().flat_map(|leaf| <[u8; 32]>::from(*leaf)).collect();
        sealed_file.write_all_at(&bytes, first * NODE_BYTES)?;
        roots.insert(segment, root_over(leaves));
    }
    Ok(roots)
}
