//! Rows that many events change, spread over several.

/// Which of so many rows an order counts in: the same for all its events. FNV-1a: all that matters is that it spreads.
pub(crate) fn shard_of(order_id: &str, shards: u64) -> u64 {
    let hash = order_id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash % shards
}
