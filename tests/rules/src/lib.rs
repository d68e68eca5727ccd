//! Checks that the workspace is built as its documentation says: which crate may depend on which, under which licences
//! dependencies come, that there is one TLS stack, that every crate has the workspace's lints, that JSON from
//! outside is read one way, that no function loses a log level, that access logs are JSON, that the routes of the template are those that
//! are described, and that nothing that runs holds a deliberate bug.
//!
//! There is nothing here but tests. They read `cargo metadata`, without the network, and take milliseconds.
//! `deny.toml` says the same of licences and TLS to `cargo deny`, for those who have it; it also knows of
//! vulnerabilities.

#[cfg(test)]
mod bugs;
#[cfg(test)]
mod circles;
#[cfg(test)]
mod cloudformation;
#[cfg(test)]
mod consumer_module;
#[cfg(test)]
mod direction;
#[cfg(test)]
mod documentation;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod json;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod levels;
#[cfg(test)]
mod licences;
#[cfg(test)]
mod links;
#[cfg(test)]
mod lints;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod project_template;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod template;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod toolchain;
#[cfg(test)]
mod upgrade;
#[cfg(test)]
mod workspace;
