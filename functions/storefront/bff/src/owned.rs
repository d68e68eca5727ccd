//! Orders as their owners see them.

use onecommit_http::ApiError;
use tracing::warn;

use crate::bff::Bff;
use crate::request::Asked;
use crate::services::Order;
use crate::session::Caller;

/// The longest id of an order, in bytes.
const ID_BYTES_MAX: usize = 64;

/// The caller's order of this id. Somebody else's is answered as if there were none: whether it exists is not the caller's
/// business.
///
/// # Errors
/// 404 `unknownOrder`, or 503.
pub(crate) async fn owned_order(bff: &Bff, caller: &Caller, asked: &Asked, id: &str) -> Result<Order, ApiError> {
    let unknown = || ApiError::not_found("unknownOrder", "there is no such order");
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !(1..=ID_BYTES_MAX).contains(&id.len()) || !id.bytes().all(is_plain) {
        return Err(unknown());
    }
    let order = bff.services().orders.order(id, &asked.context).await;
    let order = order.map_err(|error| {
        warn!(error = %error, "an order cannot be read");
        ApiError::unavailable("the order cannot be read now; send the same request again")
    })?;
    order
        .filter(|order| order.customer_id == caller.user_id())
        .ok_or_else(unknown)
}
