//! The laboratory: everything around a function process, so that only the function differs.

pub(crate) mod aws_json;
pub(crate) mod delay;
pub(crate) mod deployed;
pub(crate) mod dynamodb_local;
pub(crate) mod exchange;
pub(crate) mod function;
pub(crate) mod json_api;
pub(crate) mod line_process;
pub(crate) mod machine;
pub(crate) mod ministack;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod runtime_api;
pub(crate) mod server;
pub(crate) mod streams;
pub(crate) mod tables;
pub(crate) mod verdict;
pub(crate) mod warm_up;
pub(crate) mod worker;
pub(crate) mod write_units;
pub(crate) mod zipped;
