use std::ops::RangeInclusive;

use crate::error::ApiError;

/// How many things a page has: as many as a caller wants, or `usual`.
///
/// # Errors
/// 400 `invalidLimit`, when it is not within `bounds`.
pub fn page_limit(wanted: Option<u32>, usual: u32, bounds: RangeInclusive<u32>) -> Result<u32, ApiError> {
    let limit = wanted.unwrap_or(usual);
    if bounds.contains(&limit) {
        return Ok(limit);
    }
    let (least, most) = (bounds.start(), bounds.end());
    let message = format!("limit: it has to be from {least} to {most}");
    Err(ApiError::invalid("invalidLimit", message))
}
