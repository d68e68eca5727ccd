use crate::table_reader::TableReader;
use crate::table_writer::TableWriter;

/// A database that is read and written: what a store of events, control rows or keys needs of one.
///
/// Every type that is a [`TableReader`] and a [`TableWriter`] is one. What only reads asks for a `dyn TableReader`, what
/// only writes for a `dyn TableWriter`; an `Arc<dyn Tables>` serves as either.
///
/// ```
/// # use std::sync::Arc;
/// # use onecommit_engine::{TableReader, Tables};
/// fn reader_of(tables: Arc<dyn Tables>) -> Arc<dyn TableReader> {
///     tables
/// }
/// ```
pub trait Tables: TableReader + TableWriter {}

impl<T: TableReader + TableWriter + ?Sized> Tables for T {}
