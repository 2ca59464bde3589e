//! Nodes of replicas and their trees, and pseudo-random ones.
use filecoin_hashers::poseidon::{PoseidonDomain, PoseidonFunction};
use merkletree::hash::Algorithm;
use sha2::{Digest, Sha256};

pub type Node = PoseidonDomain;

pub const NODE_BYTES: u64 = 32;

/// Of every tree below the roots of the tree files.
pub const ARITY: usize = 8;

pub fn parent_of(children: &[Node]) -> Node {
    PoseidonFunction::default().multi_node(children, 0)
}

/// The root over all leaves of a segment, or of any other full tree.
pub fn root_over(mut nodes: Vec<Node>) -> Node {
    while nodes.len() > 1 {
        nodes = nodes.chunks(ARITY).map(parent_of).collect();
    }
    nodes[0]
}

/// As many nodes as one wants, each found by its index; which, depends on the label only.
pub struct NodeStream {
    key: [u8; 32],
}

impl NodeStream {
    pub fn new(label: &str) -> Self {
        Self { key: Sha256::digest(label).into() }
    }

    pub fn node(&self, index: u64) -> Node {
        self.bytes(index).into()
    }

    /// The same as bytes. Two bits are cleared, so that it is an element of the field.
    pub fn bytes(&self, index: u64) -> [u8; 32] {
        let mut bytes: [u8; 32] = Sha256::new_with_prefix(self.key).chain_update(index.to_le_bytes()).finalize().into();
        bytes[31] &= 0x3f;
        bytes
    }
}
