//! The proof oracle of the tests: sectors to prove, and what filecoin-proofs itself makes of them, on the processor
//! alone.
//!
//! Sectors come in four kinds, all with the files and names of real ones:
//!
//! | module | replica | tree-r-last | for |
//! | --- | --- | --- | --- |
//! | [`sealed`] | really sealed | from sealing | the small sizes, end to end |
//! | [`random_replica`] | pseudo-random | whole, by filecoin-proofs | up to 512 MiB, any number of rows discarded |
//! | [`sparse_replica`] | zeros but for challenged segments | whole | 32 and 64 GiB, a seed known beforehand |
//! | [`zero_replica`] | a hole | whole | partitions of full size |
//!
//! [`challenges`], [`vanilla`] and [`snark`] answer what is asked of a proof; [`post_task`] is how damocles asks.
//! What is pseudo-random depends on sizes and names only: the same arguments give the same bytes.

pub mod challenges;
pub mod miner;
pub mod node;
pub mod p_aux;
pub mod parameters;
pub mod post_task;
pub mod proof_type;
pub mod random_replica;
pub mod sealed;
pub mod sector_folder;
pub mod shape;
pub mod snark;
pub mod sparse_replica;
pub mod tree_r_last;
pub mod vanilla;
pub mod zero_replica;
