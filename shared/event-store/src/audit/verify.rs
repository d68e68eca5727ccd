use std::fmt;
use std::io::{self, BufRead, Read};

use crate::audit::chain;
use crate::audit::hash::Hash;
use crate::audit::line::{Closing, EventLine, FORMAT, Header, Scope};

/// The longest line, in bytes: an event of 400 KB, DynamoDB's limit for an item, and room for what is around it.
const LINE_BYTES_MAX: u64 = 1024 * 1024;

/// An export in which every line fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What it holds.
    pub scope: Scope,
    /// When it was made (RFC 3339).
    pub exported_at: String,
    /// How many events.
    pub events: u64,
    /// The hash of the last.
    pub head: Hash,
}

/// Why an export cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A line does not fit; all lines before it do.
    #[error("line {line} {fault}")]
    Fault {
        /// The first line that does not fit, from 1, the header.
        line: u64,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The file cannot be read.
    #[error("the export could not be read")]
    Input(#[from] io::Error),
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The first line is no header of a form that this code knows.
    NoHeader,
    /// It is neither the line of an event nor the closing line.
    Unreadable,
    /// Its content does not have its hash.
    Changed,
    /// An event was removed before it, or it was moved here.
    Skips {
        /// The number that comes next.
        expected: u64,
        /// The number it has.
        found: u64,
    },
    /// It was inserted, or moved here.
    Repeats {
        /// The number that comes next.
        expected: u64,
        /// The number it has.
        found: u64,
    },
    /// It has the right number and follows another line than the one before it: one of the two was replaced.
    FollowsAnother,
    /// The file ends here, without its closing line.
    CutOff,
    /// The closing line counts other events than there are.
    Miscounted {
        /// How many there are.
        events: u64,
        /// How many it says.
        said: u64,
    },
    /// The closing line names another head than the last event has.
    OtherHead {
        /// The last event's hash.
        head: Hash,
    },
    /// Something follows the closing line.
    AfterTheEnd,
    /// Every line fits, and this is not the export that was expected: it was made anew.
    NotTheExpected {
        /// The head it has.
        head: Hash,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHeader => write!(formatter, "is not a header of an export in the form {FORMAT}"),
            Self::Unreadable => formatter.write_str("is not a line of an export"),
            Self::Changed => formatter.write_str("was changed: its hash does not match"),
            Self::Skips { expected, found } => {
                write!(
                    formatter,
                    "is event {found} where {expected} belongs: lines were removed or moved"
                )
            }
            Self::Repeats { expected, found } => {
                write!(
                    formatter,
                    "is event {found} where {expected} belongs: it was inserted or moved"
                )
            }
            Self::FollowsAnother => {
                formatter.write_str("does not follow the line before it: one of the two was inserted or replaced")
            }
            Self::CutOff => {
                formatter.write_str("is missing: the end of the export was cut off, or the export was not completed")
            }
            Self::Miscounted { events, said } => {
                write!(formatter, "states {said} events, but the file has {events}")
            }
            Self::OtherHead { head } => write!(formatter, "does not name the last event's hash, {head}"),
            Self::AfterTheEnd => formatter.write_str("follows the closing line: it was added"),
            Self::NotTheExpected { head } => {
                write!(
                    formatter,
                    "closes with the head {head}, which is not the expected one: the export was replaced, or cut and \
                     closed again, or it is another export"
                )
            }
        }
    }
}

/// Reads an export and checks that every line follows from the one before it.
///
/// With `expected`, the head that was told when the export was made, no change goes unnoticed. Without it, a file that
/// was written anew from some line on, closing line included, passes.
///
/// # Errors
/// See [`VerifyError`].
pub fn verify(input: impl BufRead, expected: Option<Hash>) -> Result<Verified, VerifyError> {
    let mut lines = Lines {
        input,
        number: 0,
        buffer: Vec::new(),
    };
    let Some(header) = lines.next()? else {
        return Err(lines.fault(Fault::NoHeader));
    };
    let head = chain::start(header);
    let header = serde_json::from_str::<Header<'_>>(header).ok();
    let Some(header) = header.filter(|header| header.format == FORMAT) else {
        return Err(lines.fault(Fault::NoHeader));
    };
    let mut verified = Verified {
        scope: header.scope,
        exported_at: header.exported_at,
        events: 0,
        head,
    };
    loop {
        let Some(line) = lines.next()? else {
            return Err(lines.fault(Fault::CutOff));
        };
        match verified.take(line) {
            Ok(false) => {}
            Ok(true) => break,
            Err(Fault::Unreadable) if !lines.ends_whole() => return Err(lines.fault(Fault::CutOff)),
            Err(fault) => return Err(lines.fault(fault)),
        }
    }
    if expected.is_some_and(|expected| expected != verified.head) {
        return Err(lines.fault(Fault::NotTheExpected { head: verified.head }));
    }
    match lines.next()? {
        None => Ok(verified),
        Some(_) => Err(lines.fault(Fault::AfterTheEnd)),
    }
}

impl Verified {
    /// Takes the next line; whether it was the closing one.
    fn take(&mut self, line: &str) -> Result<bool, Fault> {
        if let Ok(event) = serde_json::from_str::<EventLine<'_>>(line) {
            return self.follow(&event).map(|()| false);
        }
        let Ok(closing) = serde_json::from_str::<Closing>(line) else {
            return Err(Fault::Unreadable);
        };
        if closing.events != self.events {
            return Err(Fault::Miscounted {
                events: self.events,
                said: closing.events,
            });
        }
        if closing.head != self.head {
            return Err(Fault::OtherHead { head: self.head });
        }
        Ok(true)
    }

    fn follow(&mut self, event: &EventLine<'_>) -> Result<(), Fault> {
        let hash = chain::follow(
            event.previous,
            event.line,
            &event.stream,
            event.version,
            event.event.get(),
        );
        let (expected, found) = (self.events + 1, event.line);
        if hash != event.hash {
            return Err(Fault::Changed);
        }
        if found > expected {
            return Err(Fault::Skips { expected, found });
        }
        if found < expected {
            return Err(Fault::Repeats { expected, found });
        }
        if event.previous != self.head {
            return Err(Fault::FollowsAnother);
        }
        (self.events, self.head) = (found, hash);
        Ok(())
    }
}

/// The lines of a file, one at a time.
struct Lines<R> {
    input: R,
    number: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// The next line without its end; `None` at the end of the file. One that is too long or no UTF-8 is a fault.
    fn next(&mut self) -> Result<Option<&str>, VerifyError> {
        self.buffer.clear();
        self.number += 1;
        let mut limited = Read::take(&mut self.input, LINE_BYTES_MAX);
        if limited.read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(None);
        }
        let fault = VerifyError::Fault {
            line: self.number,
            fault: Fault::Unreadable,
        };
        // The part of a line that is too long is no JSON, whatever it is.
        let line = str::from_utf8(&self.buffer).map_err(|_| fault)?;
        Ok(Some(line.strip_suffix('\n').unwrap_or(line)))
    }

    /// Whether the line that was read last is there to its end.
    fn ends_whole(&self) -> bool {
        self.buffer.ends_with(b"\n")
    }

    fn fault(&self, fault: Fault) -> VerifyError {
        VerifyError::Fault {
            line: self.number,
            fault,
        }
    }
}
