use std::fmt::Write as _;

use super::{Definition, has_undo};
use crate::machine::{Leg, Mode, Reply, Role};

impl Definition {
    /// The definition as a Mermaid flowchart: solid arrows forward and back, dotted ones where the saga turns. The pivot is
    /// a hexagon, what undoes a step is slanted.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let mut chart = Chart {
            of: self,
            text: "flowchart TD\n".to_owned(),
        };
        chart.nodes();
        chart.forward();
        chart.turns();
        chart.backward();
        chart.text
    }
}

struct Chart<'a> {
    of: &'a Definition,
    text: String,
}

impl Chart<'_> {
    fn line(&mut self, line: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "    {line}");
    }

    fn nodes(&mut self) {
        self.line(&format!("started([\"{}\"])", self.of.plan.started_by().0));
        let steps = &self.of.shape.steps;
        for (place, step) in steps.iter().enumerate() {
            let label = self.of.plan.label((place, Leg::Action));
            let text = format!("{}<br>{}", quoted(&step.name), quoted(label));
            self.line(&match step.role {
                Role::Compensatable => format!("s{place}[\"{text}\"]"),
                Role::Pivot => format!("s{place}{{{{\"{text}\"}}}}"),
                Role::Retriable => format!("s{place}(\"{text}\")"),
            });
            if has_undo(step.role) {
                let text = quoted(self.of.plan.label((place, Leg::Undo)));
                self.line(&format!("u{place}[/\"{text}\"/]"));
            }
        }
        self.line("completed([\"completed\"])");
        if steps.iter().any(|step| has_undo(step.role)) {
            self.line("compensated([\"compensated\"])");
        }
    }

    fn forward(&mut self) {
        let stages = self.of.shape.stages();
        for after in self.of.shape.of_stage(0).collect::<Vec<_>>() {
            self.line(&format!("started --> s{after}"));
        }
        for stage in 0..stages {
            let next: Vec<String> = if stage + 1 == stages {
                vec!["completed".to_owned()]
            } else {
                self.of
                    .shape
                    .of_stage(stage + 1)
                    .map(|step| format!("s{step}"))
                    .collect()
            };
            for step in self.of.shape.of_stage(stage).collect::<Vec<_>>() {
                let arrow = self.arrow((step, Leg::Action));
                for next in &next {
                    self.line(&format!("s{step} {arrow} {next}"));
                }
            }
        }
    }

    /// Where the saga turns back: after a refusal past the step, after no answer through what undoes it.
    fn turns(&mut self) {
        for (place, step) in self.of.shape.steps.iter().enumerate() {
            if !has_undo(step.role) {
                continue;
            }
            let refused_by = match step.action.mode {
                Mode::Call => vec!["refused"],
                _ => self.of.plan.event_types_of((place, Leg::Action), Reply::Refused),
            };
            if !refused_by.is_empty() {
                for before in self.undone_before(step.stage) {
                    self.line(&format!("s{place} -. {} .-> {before}", refused_by.join(" or ")));
                }
            }
            if step.action.mode != Mode::Unanswered && step.action.gives_up {
                self.line(&format!("s{place} -. no answer .-> u{place}"));
            }
        }
    }

    fn backward(&mut self) {
        for (place, step) in self.of.shape.steps.iter().enumerate().rev() {
            if has_undo(step.role) {
                let arrow = self.arrow((place, Leg::Undo));
                for before in self.undone_before(step.stage) {
                    self.line(&format!("u{place} {arrow} {before}"));
                }
            }
        }
    }

    /// What is undone when a stage is: the stage before it.
    fn undone_before(&self, stage: usize) -> Vec<String> {
        match stage.checked_sub(1) {
            None => vec!["compensated".to_owned()],
            Some(before) => self.of.shape.of_stage(before).map(|step| format!("u{step}")).collect(),
        }
    }

    fn arrow(&self, at: (usize, Leg)) -> String {
        let answers = self.of.plan.event_types_of(at, Reply::Succeeded);
        if answers.is_empty() {
            "-->".to_owned()
        } else {
            format!("-- {} -->", answers.join(" or "))
        }
    }
}

/// A text inside quotation marks.
fn quoted(text: &str) -> String {
    text.replace('"', "#quot;")
}
