//! The tree files of a sector, `sc-02-data-tree-r-last*.dat`, each over an equal part of its replica.
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use filecoin_hashers::poseidon::PoseidonHasher;
use filecoin_proofs_v1::with_shape;
use generic_array::typenum::{U0, U8};
use merkletree::{
    merkle::get_merkle_tree_len,
    store::{ReplicaConfig, StoreConfig},
};
use storage_proofs_core::{
    cache_key::CacheKey,
    merkle::{create_tree, split_config_and_replica, LCTree, MerkleTreeTrait},
};

use crate::{
    node::{parent_of, Node, ARITY},
    sector_folder::SectorFolder,
    shape::Shape,
};

pub fn paths(shape: &Shape, folder: &SectorFolder) -> Result<Vec<PathBuf>> {
    let (configurations, _) = store_configurations(shape, folder)?;
    Ok(configurations.iter().map(|file| StoreConfig::data_path(&file.path, &file.id)).collect())
}

/// Has filecoin-proofs build the file with this index.
pub fn write_dense(shape: &Shape, folder: &SectorFolder, index: usize, leaves: Vec<Node>) -> Result<()> {
    let (mut configurations, _) = store_configurations(shape, folder)?;
    LCTree::<PoseidonHasher, U8, U0, U0>::from_par_iter_with_config(leaves, configurations.swap_remove(index))?;
    Ok(())
}

/// Writes a file over leaves that are zero but for some segments, of which it takes the roots by their place in this
/// file. filecoin-proofs itself would have to be given all leaves.
pub fn write_sparse(shape: &Shape, path: &Path, segment_roots: BTreeMap<usize, Node>) -> Result<()> {
    let mut file = BufWriter::new(File::create(path).with_context(|| format!("create {}", path.display()))?);
    let mut zero_node = Node::default();
    for _ in 0..shape.cached_rows().start {
        zero_node = parent_of(&[zero_node; ARITY]);
    }
    let mut nodes = segment_roots;
    for row in shape.cached_rows() {
        for index in 0..shape.nodes_in_row(row) {
            let node: &[u8] = nodes.get(&index).unwrap_or(&zero_node).as_ref();
            file.write_all(node)?;
        }
        nodes = row_above(&nodes, zero_node);
        zero_node = parent_of(&[zero_node; ARITY]);
    }
    file.flush()?;
    Ok(())
}

fn row_above(nodes: &BTreeMap<usize, Node>, zero_node: Node) -> BTreeMap<usize, Node> {
    let mut parents = BTreeMap::new();
    for parent in nodes.keys().map(|index| index / ARITY) {
        parents.entry(parent).or_insert_with(|| {
            let children = (parent * ARITY..(parent + 1) * ARITY).map(|child| *nodes.get(&child).unwrap_or(&zero_node));
            parent_of(&children.collect::<Vec<_>>())
        });
    }
    parents
}

/// comm_r_last, once sealed file and tree files are written.
pub fn root(shape: &Shape, folder: &SectorFolder) -> Result<Node> {
    with_shape!(shape.size.bytes(), root_shaped, shape, folder)
}

fn root_shaped<Tree>(shape: &Shape, folder: &SectorFolder) -> Result<Node>
where
    Tree: 'static + MerkleTreeTrait<Hasher = PoseidonHasher>,
{
    let (configurations, replica) = store_configurations(shape, folder)?;
    Ok(create_tree::<Tree>(nodes_per_file(shape)?, &configurations, Some(&replica))?.root())
}

fn store_configurations(shape: &Shape, folder: &SectorFolder) -> Result<(Vec<StoreConfig>, ReplicaConfig)> {
    let mut all = StoreConfig::new(&folder.cache, CacheKey::CommRLastTree.to_string(), shape.rows_discarded);
    all.size = Some(nodes_per_file(shape)?);
    split_config_and_replica(all, folder.sealed_file.clone(), shape.leaves_per_file, shape.tree_files)
}

/// Of all rows, also those that are not in the file.
fn nodes_per_file(shape: &Shape) -> Result<usize> {
    get_merkle_tree_len(shape.leaves_per_file, ARITY)
}
