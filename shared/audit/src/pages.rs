use std::time::Duration;

use onecommit_commit::{Backoff, DatabaseError, Item, Query, Rows, Scan};
use onecommit_environment::Environment;

/// Tries of one page. An export of a large table takes hours; a moment of throttling should not cost all of it.
const TRIES_MAX: u32 = 10;
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(100),
    longest: Duration::from_secs(10),
};

/// Rows of the table, page by page.
pub(crate) struct Pages<'a> {
    rows: &'a dyn Rows,
    environment: &'a Environment,
    next: Option<Request>,
}

pub(crate) enum Request {
    Stream(Query),
    Table(Scan),
}

impl<'a> Pages<'a> {
    pub(crate) fn new(rows: &'a dyn Rows, environment: &'a Environment, first: Request) -> Self {
        Self {
            rows,
            environment,
            next: Some(first),
        }
    }

    /// The next page; `None` when there is no more.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Item>>, DatabaseError> {
        let Some(request) = self.next.take() else {
            return Ok(None);
        };
        let mut tries = 1;
        loop {
            match self.ask(&request).await {
                Ok((rows, next)) => {
                    self.next = next;
                    return Ok(Some(rows));
                }
                Err(DatabaseError::Transient(..)) if tries < TRIES_MAX => {
                    let wait = BACKOFF.after(tries, self.environment.random());
                    self.environment.clock().sleep(wait).await;
                    tries += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn ask(&self, request: &Request) -> Result<(Vec<Item>, Option<Request>), DatabaseError> {
        Ok(match request {
            Request::Stream(query) => {
                let page = self.rows.query(query).await?;
                (page.rows, page.next.map(Request::Stream))
            }
            Request::Table(scan) => {
                let page = self.rows.scan(scan).await?;
                (page.rows, page.next.map(Request::Table))
            }
        })
    }
}
