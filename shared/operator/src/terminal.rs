use std::io::{self, BufRead, BufReader, LineWriter, Write};

use serde::Serialize;

/// Where a command reads and writes: what was asked for goes to `output`, everything else to `notes`.
pub(crate) struct Terminal<'a> {
    /// The name of the program, for commands that it suggests.
    pub(crate) program: &'static str,
    /// Whether other programs read the output.
    pub(crate) json: bool,
    pub(crate) input: Box<dyn BufRead + 'a>,
    pub(crate) output: Box<dyn Write + 'a>,
    pub(crate) notes: Box<dyn Write + 'a>,
}

impl Terminal<'static> {
    pub(crate) fn of_this_process(program: &'static str, json: bool) -> Self {
        Self {
            program,
            json,
            input: Box::new(BufReader::new(io::stdin())),
            output: Box::new(LineWriter::new(io::stdout())),
            notes: Box::new(io::stderr()),
        }
    }
}

impl Terminal<'_> {
    /// One value on one line, for programs, or what `for_people` writes.
    pub(crate) fn print(
        &mut self,
        value: &impl Serialize,
        for_people: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        print(self.json, &mut *self.output, value, for_people)
    }

    /// The same among the notes, when the output is taken by something else.
    pub(crate) fn print_beside(
        &mut self,
        value: &impl Serialize,
        for_people: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        print(self.json, &mut *self.notes, value, for_people)
    }
}

fn print(
    json: bool,
    output: &mut dyn Write,
    value: &impl Serialize,
    for_people: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if !json {
        return for_people(output);
    }
    serde_json::to_writer(&mut *output, value)?;
    writeln!(output)
}
