//! Where the files of sectors are: `sealed/<id>` and `cache/<id>/`, or `update/<id>` and `update-cache/<id>/` for a
//! snapped one, `<id>` being `s-t01000-7`.
use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

pub struct Store {
    pub folder: PathBuf,
    pub miner: u64,
    pub updated: bool,
}

impl Store {
    pub fn sector(&self, number: u64) -> SectorFolder {
        let id = format!("s-t0{}-{}", self.miner, number);
        let (sealed, cache) = if self.updated { ("update", "update-cache") } else { ("sealed", "cache") };
        SectorFolder {
            label: format!("{sealed}/{id}"),
            sealed_file: self.folder.join(sealed).join(&id),
            cache: self.folder.join(cache).join(&id),
        }
    }
}

pub struct SectorFolder {
    /// The same for the same sector in every store.
    pub label: String,
    pub sealed_file: PathBuf,
    pub cache: PathBuf,
}

impl SectorFolder {
    /// Nothing of what was there before remains: filecoin-proofs would take over tree files that it finds.
    pub fn make_empty(&self) -> Result<()> {
        if self.cache.exists() {
            fs::remove_dir_all(&self.cache).with_context(|| format!("remove {}", self.cache.display()))?;
        }
        if self.sealed_file.exists() {
            fs::remove_file(&self.sealed_file).with_context(|| format!("remove {}", self.sealed_file.display()))?;
        }
        make_folder(&self.cache)?;
        make_folder(self.sealed_file.parent().expect("is below the store"))
    }
}

fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("make {}", path.display()))
}
