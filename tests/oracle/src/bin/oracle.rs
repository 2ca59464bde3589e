//! The oracle's command line: makes sectors, and says what filecoin-proofs makes of them, in lines of JSON.
use std::{
    collections::BTreeMap,
    env,
    io::{self, BufRead, Write},
    path::PathBuf,
    process::ExitCode,
    str::FromStr,
};

use anyhow::{ensure, Context, Error, Result};
use base64::{engine::general_purpose::STANDARD, Engine};
use clap::{value_parser, Args, Parser, Subcommand};
use filecoin_proofs_api::{ChallengeSeed, Commitment, RegisteredPoStProof};
use oracle::{
    challenges, p_aux, parameters,
    proof_type::{set_window_sector_count, ProofKind, ProofType},
    random_replica, sealed,
    sector_folder::Store,
    shape::SectorSize,
    snark, sparse_replica,
    vanilla::{self, Outcome},
    zero_replica,
};
use serde::Deserialize;
use serde_json::{json, Value};

/// Makes sectors, and says what filecoin-proofs makes of them
///
/// Prints lines of JSON. Groth parameters are kept in FIL_PROOFS_PARAMETER_CACHE, what sealing keeps in
/// FIL_PROOFS_PARENT_CACHE.
#[derive(Parser)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,

    /// Of tree-r-last: 0, 1 or 2; sectors below 8 MiB always have 1
    #[arg(long, global = true, value_name = "ROWS", value_parser = value_parser!(u32).range(0..=2))]
    rows_discarded: Option<u32>,

    /// In a partition, instead of filecoin-proofs' own count
    #[arg(long, global = true, value_name = "COUNT", env = "ORACLE_WINDOW_SECTOR_COUNT")]
    window_sector_count: Option<usize>,
}

#[derive(Subcommand)]
enum Command {
    /// Seal sectors; prints {"sector":7,"comm_r":"HEX"} for each
    Seal(StoredSectors),
    /// Make sectors with a pseudo-random replica; prints the same
    Random(StoredSectors),
    /// Make sectors with a replica that is zero but for what one seed's challenges hit; prints the same
    Sparse {
        #[command(flatten)]
        sectors: StoredSectors,
        /// Of the challenges; 32 bytes, the two highest bits of the last zero
        #[arg(long, value_name = "HEX")]
        seed: Seed,
        /// How many of the sector's challenges count. 66 are enough for all proofs, except for V1 window proofs of more
        /// than six sectors
        #[arg(long, value_name = "COUNT", default_value_t = 66)]
        challenges: usize,
    },
    /// Make sectors with a replica of zeros that are all the same files; prints the same
    Zero(StoredSectors),
    /// Print the same for sectors that are there
    CommR(StoredSectors),
    /// Print {"sector":7,"challenges":[LEAF,...]} for each sector
    Challenges(Challenges),
    /// Make and verify vanilla proofs; prints {"sector":7,"sha256":"HEX","bytes":N} for each sector, or
    /// {"sector":7,"fault":"REASON"}
    Vanilla(Proven),
    /// Make Groth parameters unless they are there; prints {"parameters":"PATH","verifying_key":"PATH"}
    Parameters {
        /// 2KiB, 16KiB, 32KiB, 8MiB, 512MiB, 32GiB or 64GiB
        #[arg(long)]
        size: SectorSize,
        /// What they are to prove
        #[arg(long)]
        proof: ProofKind,
    },
    /// Verify a proof against the sectors it is of; prints {"verified":BOOLEAN}
    Verify {
        #[command(flatten)]
        proven: Proven,
        /// The proof, as it was on the wire
        #[arg(long, value_name = "BASE64")]
        snark: String,
    },
}

#[derive(Args)]
struct StoredSectors {
    /// The folder that has sealed/ and cache/
    #[arg(long, value_name = "FOLDER")]
    store: PathBuf,
    /// 2KiB, 16KiB, 32KiB, 8MiB, 512MiB, 32GiB or 64GiB
    #[arg(long)]
    size: SectorSize,
    /// Numbers and ranges: 7,11,20-29
    #[arg(long)]
    sectors: Numbers,
    /// The miner's number
    #[arg(long, default_value_t = 1000)]
    miner: u64,
    /// The snapped sectors in update/ and update-cache/
    #[arg(long)]
    update: bool,
}

#[derive(Args)]
struct Proven {
    #[command(flatten)]
    sectors: StoredSectors,
    /// What is proven
    #[arg(long)]
    proof: ProofKind,
    /// Of the challenges; 32 bytes, the two highest bits of the last zero
    #[arg(long, value_name = "HEX")]
    seed: Seed,
}

#[derive(Args)]
struct Challenges {
    /// 2KiB, 16KiB, 32KiB, 8MiB, 512MiB, 32GiB or 64GiB
    #[arg(long, required_unless_present = "stdin")]
    size: Option<SectorSize>,
    /// What is proven
    #[arg(long, required_unless_present = "stdin")]
    proof: Option<ProofKind>,
    /// 32 bytes, the two highest bits of the last zero
    #[arg(long, value_name = "HEX", required_unless_present = "stdin")]
    seed: Option<Seed>,
    /// Numbers and ranges: 7,11,20-29
    #[arg(long, required_unless_present = "stdin")]
    sectors: Option<Numbers>,
    /// Read requests {"proof_type":"StackedDrgWindow32GiBV1_2","seed":"HEX","sectors":[7]}, one a line, and answer each
    /// with a line {"sectors":[{"sector":7,"challenges":[LEAF,...]}]} or {"error":"TEXT"}
    #[arg(long, conflicts_with_all = ["size", "proof", "seed", "sectors"])]
    stdin: bool,
}

#[derive(Clone)]
struct Numbers(Vec<u64>);

impl FromStr for Numbers {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut numbers = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last): (u64, u64) = (first.parse()?, last.parse()?);
            numbers.extend(first..=last);
        }
        Ok(Self(numbers))
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(transparent)]
struct Seed(#[serde(with = "hex")] ChallengeSeed);

impl FromStr for Seed {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut seed = ChallengeSeed::default();
        hex::decode_to_slice(text, &mut seed)?;
        Ok(Self(seed))
    }
}

#[derive(Deserialize)]
struct ChallengesRequest {
    proof_type: RegisteredPoStProof,
    seed: Seed,
    sectors: Vec<u64>,
}

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    if let Some(rows) = command_line.rows_discarded {
        env::set_var("FIL_PROOFS_ROWS_TO_DISCARD", rows.to_string());
    }
    if let Some(count) = command_line.window_sector_count {
        set_window_sector_count(count);
    }
    match run(command_line.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("oracle: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Seal(sectors) => {
            sectors.make(|store, sector| sealed::write(sectors.size, &store.sector(sector), store.miner, sector))
        }
        Command::Random(sectors) => {
            sectors.make(|store, sector| random_replica::write(sectors.size, &store.sector(sector)))
        }
        Command::Sparse { sectors, seed, challenges } => sectors.make(|store, sector| {
            sparse_replica::write(sectors.size, &store.sector(sector), &seed.0, sector, challenges)
        }),
        Command::Zero(sectors) => zero(&sectors),
        Command::CommR(sectors) => sectors.make(|store, sector| p_aux::comm_r(&store.sector(sector).cache)),
        Command::Challenges(Challenges {
            size: Some(size),
            proof: Some(kind),
            seed: Some(Seed(seed)),
            sectors: Some(Numbers(sectors)),
            ..
        }) => {
            let challenges = challenges::of_request(ProofType { kind, size }, &seed, sectors)?;
            challenges_of_sectors(challenges).iter().try_for_each(print)
        }
        // clap takes nothing else than all four or --stdin.
        Command::Challenges(_) => answer_challenges(),
        Command::Vanilla(proven) => vanilla(&proven),
        Command::Parameters { size, proof } => {
            let made = parameters::make(ProofType { kind: proof, size })?;
            print(&json!({"parameters": made.parameters, "verifying_key": made.verifying_key}))
        }
        Command::Verify { proven, snark } => verify(&proven, &snark),
    }
}

impl StoredSectors {
    fn store(&self) -> Store {
        Store { folder: self.store.clone(), miner: self.miner, updated: self.update }
    }

    /// Makes one after the other, and prints their comm_r.
    fn make(&self, make: impl Fn(&Store, u64) -> Result<Commitment>) -> Result<()> {
        let store = self.store();
        for sector in &self.sectors.0 {
            let comm_r = make(&store, *sector).with_context(|| format!("sector {sector}"))?;
            print(&json!({"sector": sector, "comm_r": hex::encode(comm_r)}))?;
        }
        Ok(())
    }
}

fn zero(sectors: &StoredSectors) -> Result<()> {
    let original = sectors.store().sector(sectors.sectors.0[0]);
    let comm_r = zero_replica::write(sectors.size, &original)?;
    sectors.make(|store, sector| {
        let folder = store.sector(sector);
        if folder.label != original.label {
            zero_replica::link(&original, &folder)?;
        }
        Ok(comm_r)
    })
}

fn answer_challenges() -> Result<()> {
    let mut output = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let answer = match challenges_requested(&line?) {
            Ok(challenges) => json!({"sectors": challenges_of_sectors(challenges)}),
            Err(error) => json!({"error": format!("{error:#}")}),
        };
        writeln!(output, "{answer}")?;
    }
    output.flush()?;
    Ok(())
}

fn challenges_requested(line: &str) -> Result<BTreeMap<u64, Vec<u64>>> {
    let request: ChallengesRequest = serde_json::from_str(line)?;
    challenges::of_request(request.proof_type.try_into()?, &request.seed.0, request.sectors)
}

fn challenges_of_sectors(challenges: BTreeMap<u64, Vec<u64>>) -> Vec<Value> {
    challenges.into_iter().map(|(sector, challenges)| json!({"sector": sector, "challenges": challenges})).collect()
}

fn vanilla(Proven { sectors, proof, seed }: &Proven) -> Result<()> {
    let store = sectors.store();
    let mut replicas = BTreeMap::new();
    for sector in &sectors.sectors.0 {
        let folder = store.sector(*sector);
        let comm_r = p_aux::comm_r(&folder.cache)?;
        replicas.insert(*sector, vanilla::Replica { comm_r, cache: folder.cache, sealed_file: folder.sealed_file });
    }
    let mut faults = 0;
    for (sector, outcome) in vanilla::prove(ProofType { kind: *proof, size: sectors.size }, &seed.0, &replicas)? {
        match outcome {
            Outcome::Proven { sha256, bytes } => {
                print(&json!({"sector": sector, "sha256": hex::encode(sha256), "bytes": bytes}))?
            }
            Outcome::Faulty(reason) => {
                faults += 1;
                print(&json!({"sector": sector, "fault": reason}))?;
            }
        }
    }
    ensure!(faults == 0, "{faults} of {} sectors cannot be proven", replicas.len());
    Ok(())
}

fn verify(Proven { sectors, proof, seed }: &Proven, snark: &str) -> Result<()> {
    let store = sectors.store();
    let mut commitments = BTreeMap::new();
    for sector in &sectors.sectors.0 {
        commitments.insert(*sector, p_aux::comm_r(&store.sector(*sector).cache)?);
    }
    let proof_type = ProofType { kind: *proof, size: sectors.size };
    let verified = snark::verify(proof_type, &seed.0, sectors.miner, &commitments, &STANDARD.decode(snark)?)?;
    print(&json!({"verified": verified}))?;
    ensure!(verified, "the proof is not one of these sectors");
    Ok(())
}

fn print(line: &Value) -> Result<()> {
    writeln!(io::stdout(), "{line}")?;
    Ok(())
}
