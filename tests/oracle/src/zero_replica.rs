//! Sectors whose replica is one hole. Nothing in their files depends on the sector: thousands of them, linked to one
//! another, take the space of one tree file.
use std::{
    collections::BTreeMap,
    fs::{self, File},
};

use anyhow::{Context, Result};
use filecoin_proofs_v1::Commitment;

use crate::{
    node::NodeStream,
    p_aux,
    sector_folder::SectorFolder,
    shape::{SectorSize, Shape},
    tree_r_last,
};

pub fn write(size: SectorSize, folder: &SectorFolder) -> Result<Commitment> {
    folder.make_empty()?;
    let shape = Shape::of(size);
    File::create(&folder.sealed_file)?.set_len(size.bytes())?;
    let tree_files = tree_r_last::paths(&shape, folder)?;
    tree_r_last::write_sparse(&shape, &tree_files[0], BTreeMap::new())?;
    for other in &tree_files[1..] {
        fs::hard_link(&tree_files[0], other)?;
    }
    let comm_c = NodeStream::new(&format!("zero {size}")).node(0);
    p_aux::write(&folder.cache, comm_c, tree_r_last::root(&shape, folder)?)
}

/// Makes another sector of the same files. Whoever wants to damage one has to replace the file.
pub fn link(from: &SectorFolder, to: &SectorFolder) -> Result<()> {
    to.make_empty()?;
    fs::hard_link(&from.sealed_file, &to.sealed_file)?;
    for file in fs::read_dir(&from.cache)? {
        let file = file?;
        fs::hard_link(file.path(), to.cache.join(file.file_name()))
            .with_context(|| format!("link {}", file.path().display()))?;
    }
    Ok(())
}
