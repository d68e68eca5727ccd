//! Events of the scenarios.

/// Payloads with named fields.
macro_rules! payloads {
    ($($name:ident { $($field:ident: $type:ty),* })*) => {$(
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        pub(crate) struct $name { $(pub(crate) $field: $type),* }

        impl onecommit_event::Payload for $name {
            const EVENT_TYPE: &'static str = stringify!($name);
        }
    )*};
}

pub(crate) use payloads;
