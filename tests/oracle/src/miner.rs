//! A miner's number as proofs have it.
use filecoin_proofs_api::ProverId;

/// The payload of the miner's address: the number in LEB128, then zeros.
pub fn prover_id(miner: u64) -> ProverId {
    let mut id = ProverId::default();
    let mut rest = miner;
    for byte in &mut id {
        *byte = (rest & 0x7f) as u8;
        rest >>= 7;
        if rest == 0 {
            break;
        }
        *byte |= 0x80;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prover_id_is_leb128() {
        for (miner, bytes) in [(0, &[0][..]), (127, &[127]), (1000, &[0xe8, 0x07]), (u64::MAX, &[0xff; 9])] {
            assert_eq!(&prover_id(miner)[..bytes.len()], bytes);
        }
        assert_eq!(prover_id(u64::MAX)[9..], [&[1][..], &[0; 22]].concat());
    }
}
