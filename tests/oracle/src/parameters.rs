//! Groth parameters, made here from a seed that everyone can read: good for tests, and the same on every machine.
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use bellperson::groth16;
use blstrs::Bls12;
use filecoin_proofs_v1::{
    parameters::{window_post_public_params, winning_post_public_params},
    with_shape,
};
use rand::{rngs::StdRng, SeedableRng};
use storage_proofs_core::{
    compound_proof::CompoundProof,
    merkle::MerkleTreeTrait,
    parameter_cache::{
        parameter_cache_dir, parameter_cache_params_path, parameter_cache_verifying_key_path, CacheableParameters,
    },
};
use storage_proofs_post::fallback::{FallbackPoSt, FallbackPoStCircuit, FallbackPoStCompound};

use crate::proof_type::{ProofKind, ProofType};

const SEED: u64 = 1;

pub struct Parameters {
    pub parameters: PathBuf,
    pub verifying_key: PathBuf,
}

/// Makes them in FIL_PROOFS_PARAMETER_CACHE unless they are there. Whoever comes meanwhile waits; whoever is killed
/// leaves nothing that looks complete.
pub fn make(proof_type: ProofType) -> Result<Parameters> {
    let cache = parameter_cache_dir();
    fs::create_dir_all(&cache).with_context(|| format!("make {}", cache.display()))?;
    let lock = File::create(cache.join("oracle.lock"))?;
    lock.lock()?;
    with_shape!(proof_type.size.bytes(), make_shaped, proof_type)
}

type Compound<Tree> = FallbackPoStCompound<Tree>;
type Scheme<'a, Tree> = FallbackPoSt<'a, Tree>;
type Circuit<Tree> = FallbackPoStCircuit<Tree>;

fn make_shaped<Tree: 'static + MerkleTreeTrait>(proof_type: ProofType) -> Result<Parameters> {
    let configuration = proof_type.configuration();
    let public_parameters = match proof_type.kind {
        ProofKind::Winning => winning_post_public_params::<Tree>(&configuration)?,
        ProofKind::WindowV1 | ProofKind::Window => window_post_public_params::<Tree>(&configuration)?,
    };
    let id = <Compound<Tree> as CacheableParameters<Circuit<Tree>, _>>::cache_identifier(&public_parameters);
    let made = Parameters {
        parameters: parameter_cache_params_path(&id),
        verifying_key: parameter_cache_verifying_key_path(&id),
    };
    if !made.parameters.exists() || !made.verifying_key.exists() {
        let circuit = <Compound<Tree> as CompoundProof<Scheme<Tree>, Circuit<Tree>>>::blank_circuit(&public_parameters);
        let mut random = StdRng::seed_from_u64(SEED);
        let parameters = groth16::generate_random_parameters::<Bls12, _, _>(circuit, &mut random)?;
        write_whole(&made.verifying_key, |file| parameters.vk.write(file))?;
        write_whole(&made.parameters, |file| parameters.write(file))?;
    }
    Ok(made)
}

fn write_whole(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> Result<()> {
    let partial = path.with_extension("partial");
    let mut file = BufWriter::new(File::create(&partial)?);
    write(&mut file)?;
    file.flush()?;
    fs::rename(&partial, path).with_context(|| format!("rename to {}", path.display()))
}
