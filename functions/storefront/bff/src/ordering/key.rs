use axum::http::HeaderMap;
use onecommit_client::IDEMPOTENCY_KEY;
use onecommit_http::ApiError;
use uuid::Uuid;

/// The longest key, in bytes.
const BYTES_MAX: usize = 255;
/// The namespace of order ids. It must never change: the same key would name another order.
const ORDERS: Uuid = Uuid::from_u128(0x0b9e_3c52_7d0a_4c1f_9a55_2f66_41c8_d0e7);

/// What a client names an attempt to order by: the same again is the same order
/// (<https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdempotencyKey(String);

impl IdempotencyKey {
    pub(crate) fn new(text: &str) -> Result<Self, ApiError> {
        let is_key = (1..=BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        match is_key {
            true => Ok(Self(text.to_owned())),
            false => Err(ApiError::invalid(
                "invalidIdempotencyKey",
                "Idempotency-Key: it has to be 1 to 255 visible ASCII characters",
            )),
        }
    }

    /// The key of a request.
    ///
    /// # Errors
    /// 400, when there is none, or more than one.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Self::new(value.to_str().unwrap_or_default()),
            _ => Err(ApiError::invalid(
                "noIdempotencyKey",
                "send one header Idempotency-Key, new for each order and the same when the request is repeated",
            )),
        }
    }

    /// The order that this person means by it. Keys of two people never name the same order.
    pub(crate) fn order_id(&self, user: &str) -> String {
        // The length says where the one ends and the other begins.
        let name = format!("{}:{user}:{}", user.len(), self.0);
        Uuid::new_v5(&ORDERS, name.as_bytes()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_one_order_of_one_person() {
        let key = |text| IdempotencyKey::new(text).unwrap();
        assert_eq!(key("k-1").order_id("ada"), key("k-1").order_id("ada"));
        assert_ne!(key("k-1").order_id("ada"), key("k-1").order_id("grace"));
        assert_ne!(key("k-1").order_id("ada"), key("k-2").order_id("ada"));
        assert_ne!(key("b:c").order_id("a"), key("c").order_id("a:b"));
        // Orders that were placed keep their keys.
        assert_eq!(key("k-1").order_id("ada"), "8688b631-84be-512d-b2ae-013fb06a1678");
    }
}
