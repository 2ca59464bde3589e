//! Sectors whose replica is pseudo-random and whose tree filecoin-proofs built. To a proof they are as good as sealed
//! ones, for a hundredth of the work.
use std::{
    fs::File,
    io::{BufWriter, Write},
};

use anyhow::Result;
use filecoin_proofs_v1::Commitment;

use crate::{
    node::{Node, NodeStream},
    p_aux,
    sector_folder::SectorFolder,
    shape::{SectorSize, Shape},
    tree_r_last,
};

pub fn write(size: SectorSize, folder: &SectorFolder) -> Result<Commitment> {
    folder.make_empty()?;
    let shape = Shape::of(size);
    let stream = NodeStream::new(&format!("random {size} {}", folder.label));
    let mut sealed_file = BufWriter::new(File::create(&folder.sealed_file)?);
    for file in 0..shape.tree_files {
        let first = (file * shape.leaves_per_file) as u64;
        let leaves: Vec<Node> = (first..first + shape.leaves_per_file as u64).map(|leaf| stream.node(leaf)).collect();
        for leaf in &leaves {
            sealed_file.write_all(leaf.as_ref())?;
        }
        tree_r_last::write_dense(&shape, folder, file, leaves)?;
    }
    sealed_file.flush()?;
    p_aux::write(&folder.cache, stream.node(size.leaves()), tree_r_last::root(&shape, folder)?)
}
