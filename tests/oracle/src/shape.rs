//! The sizes of sectors, and what a size says about a sector's files.
use std::{fmt, ops::Range, str::FromStr};

use anyhow::{Context, Error, Result};
use filecoin_proofs_v1::{
    constants::{
        SECTOR_SIZE_16_KIB, SECTOR_SIZE_2_KIB, SECTOR_SIZE_32_GIB, SECTOR_SIZE_32_KIB, SECTOR_SIZE_512_MIB,
        SECTOR_SIZE_64_GIB, SECTOR_SIZE_8_MIB,
    },
    with_shape,
};
use merkletree::merkle::get_merkle_tree_row_count;
use storage_proofs_core::{merkle::get_base_tree_count, util::default_rows_to_discard};

use crate::node::{ARITY, NODE_BYTES};

/// No network has sectors of 16 and 32 KiB; they have as many tree files as those of 32 and 64 GiB.
const SIZES: [(&str, u64); 7] = [
    ("2KiB", SECTOR_SIZE_2_KIB),
    ("16KiB", SECTOR_SIZE_16_KIB),
    ("32KiB", SECTOR_SIZE_32_KIB),
    ("8MiB", SECTOR_SIZE_8_MIB),
    ("512MiB", SECTOR_SIZE_512_MIB),
    ("32GiB", SECTOR_SIZE_32_GIB),
    ("64GiB", SECTOR_SIZE_64_GIB),
];

/// A size that filecoin-proofs knows, written as in its names of proof types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectorSize(u64);

impl SectorSize {
    pub fn of_bytes(bytes: u64) -> Result<Self> {
        let known = SIZES.iter().any(|(_, size)| *size == bytes);
        known.then_some(Self(bytes)).with_context(|| format!("no sector has {bytes} bytes"))
    }

    pub fn bytes(self) -> u64 {
        self.0
    }

    pub fn leaves(self) -> u64 {
        self.0 / NODE_BYTES
    }
}

impl FromStr for SectorSize {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let size = SIZES.iter().find(|(name, _)| *name == text);
        size.map(|(_, bytes)| Self(*bytes)).with_context(|| format!("no sector has the size {text}"))
    }
}

impl fmt::Display for SectorSize {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let (name, _) = SIZES.iter().find(|(_, bytes)| *bytes == self.0).expect("made from the table");
        formatter.write_str(name)
    }
}

/// Row 0 of a tree are its leaves, the last its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub size: SectorSize,
    pub tree_files: usize,
    pub leaves_per_file: usize,
    pub rows: usize,
    /// How many of the rows above the leaves are not in the tree files. As for a sealer it is a setting of the process,
    /// FIL_PROOFS_ROWS_TO_DISCARD; filecoin-proofs reads it once.
    pub rows_discarded: usize,
}

impl Shape {
    pub fn of(size: SectorSize) -> Self {
        let tree_files = with_shape!(size.bytes(), get_base_tree_count);
        let leaves_per_file = size.leaves() as usize / tree_files;
        Self {
            size,
            tree_files,
            leaves_per_file,
            rows: get_merkle_tree_row_count(leaves_per_file, ARITY),
            rows_discarded: default_rows_to_discard(leaves_per_file, ARITY),
        }
    }

    /// The rows that are in the tree files.
    pub fn cached_rows(&self) -> Range<usize> {
        self.rows_discarded + 1..self.rows
    }

    pub fn nodes_in_row(&self, row: usize) -> usize {
        self.leaves_per_file / ARITY.pow(row as u32)
    }

    /// A segment is what lies below one node of the lowest cached row: a proof reads it whole.
    pub fn segment_leaves(&self) -> usize {
        ARITY.pow(self.rows_discarded as u32 + 1)
    }

    pub fn segments_per_file(&self) -> usize {
        self.leaves_per_file / self.segment_leaves()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for (name, bytes) in SIZES {
            assert_eq!(name.parse::<SectorSize>().unwrap().bytes(), bytes);
            assert_eq!(SectorSize(bytes).to_string(), name);
        }
        assert!("1GiB".parse::<SectorSize>().is_err());
        assert!(SectorSize::of_bytes(1).is_err());
    }

    #[test]
    fn tree_files_are_as_long_as_those_of_the_networks() {
        for (name, files, rows, discarded, bytes_per_file) in [
            ("2KiB", 1, 3, 1, 32),
            ("16KiB", 8, 3, 1, 32),
            ("32KiB", 16, 3, 1, 32),
            ("8MiB", 1, 7, 2, 18_720),
            ("512MiB", 1, 9, 2, 1_198_368),
            ("32GiB", 8, 10, 2, 9_586_976),
            ("64GiB", 16, 10, 2, 9_586_976),
        ] {
            let shape = Shape::of(name.parse().unwrap());
            let nodes: usize = shape.cached_rows().map(|row| shape.nodes_in_row(row)).sum();
            assert_eq!((shape.tree_files, shape.rows, shape.rows_discarded), (files, rows, discarded), "{name}");
            assert_eq!(nodes as u64 * NODE_BYTES, bytes_per_file, "{name}");
        }
    }
}
