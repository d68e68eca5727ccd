use onecommit_engine::{DatabaseError, Item, Query, Scan, TableReader};

/// Rows of the table, page by page.
pub(crate) struct Pages<'a> {
    rows: &'a dyn TableReader,
    next: Option<Request>,
}

pub(crate) enum Request {
    Stream(Query),
    Table(Scan),
}

impl<'a> Pages<'a> {
    pub(crate) fn new(rows: &'a dyn TableReader, first: Request) -> Self {
        Self {
            rows,
            next: Some(first),
        }
    }

    /// The next page; `None` when there is no more.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Item>>, DatabaseError> {
        let Some(request) = self.next.take() else {
            return Ok(None);
        };
        let (rows, next) = self.ask(&request).await?;
        self.next = next;
        Ok(Some(rows))
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
