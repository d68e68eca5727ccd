//! What is told of a circuit, in the stream `Circuit#NAME`.

use onecommit_event::Payload;
use serde::{Deserialize, Serialize};

/// The circuit has opened: no call is made until `until`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CircuitOpened {
    /// When calls are tried again.
    pub until: String,
    /// How many times it has opened since it was last closed, this one included.
    pub opened: u32,
    /// The calls that were reported in the last two windows.
    pub calls: u64,
    /// How many of them failed.
    pub failures: u64,
    /// How many of them were slow.
    pub slow: u64,
    /// How many processes reported.
    pub reporters: u64,
}

/// The downstream is tried again, by a few calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CircuitHalfOpened {}

/// The downstream works again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CircuitClosed {
    /// How many calls had succeeded.
    pub successes: u32,
}

/// An operator has set the state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CircuitForced {
    /// `forcedOpen`, `forcedClosed`, or `closed` when the circuit decides by itself again.
    pub state: String,
    /// Who did it.
    pub by: String,
}

macro_rules! payloads {
    ($($name:ident),*) => {$(
        impl Payload for $name {
            const EVENT_TYPE: &'static str = stringify!($name);
        }
    )*};
}

payloads!(CircuitOpened, CircuitHalfOpened, CircuitClosed, CircuitForced);
