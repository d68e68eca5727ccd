use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, SimpleObject, Value};

/// A whole number of up to 64 bits, which `Int` cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Long(i64);

#[Scalar]
impl ScalarType for Long {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => number
                .as_i64()
                .map(Self)
                .ok_or_else(|| InputValueError::expected_type(value)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        self.0.into()
    }
}

/// An amount in the smallest unit of its currency: 2500 with `EUR` is 25 euros.
#[derive(Clone, Copy, Debug, SimpleObject)]
#[graphql(shareable)]
pub(crate) struct Money {
    /// The amount.
    minor_units: Long,
    /// The currency by its ISO 4217 code.
    currency: Currency,
}

/// An ISO 4217 code: three capital letters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Currency(storefront_money::Currency);

#[Scalar]
impl ScalarType for Currency {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(code) => storefront_money::Currency::new(code)
                .map(Self)
                .map_err(|_| InputValueError::expected_type(value)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        self.0.to_string().into()
    }
}

impl From<storefront_money::Money> for Money {
    fn from(money: storefront_money::Money) -> Self {
        Self {
            minor_units: Long(money.minor_units()),
            currency: Currency(money.currency()),
        }
    }
}
