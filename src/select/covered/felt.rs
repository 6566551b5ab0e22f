//! Who feels a change to a definition.
//!
//! A function is felt by the tests that ran its body. What has no body of its own (a constant, a default, a docstring, a
//! new or lost definition) is felt by the tests that ran a function that names it.

use super::super::named::{Named, is_fixture, runs_alone};
use super::ran::{Ran, Who};
use super::users::Users;
use crate::model::{Bits, Both, Node, Program, ProgramUse, RepoPath, Suite, UnitId, Wrapping};

/// Which part of a definition changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    /// What runs when it is called, or the value.
    Body,
    /// The values of defaults, and perhaps the body: felt where the body runs, or by who reads parameters.
    Defaults,
    /// How it is got at, or what it is wrapped in, and perhaps the body: felt where it, or one that bears its name, is got at.
    Way,
    /// More of what runs when it is defined.
    Head,
    /// The docstring.
    Docs,
}

impl Ran<'_> {
    /// The tests that a changed definition can change; or why that cannot be told.
    pub(super) fn reaches(&self, path: &RepoPath, both: &Both, part: Part) -> Who {
        let at = |side: usize, place: Option<u32>| {
            let module = self.modules[side].get(path)?;
            let program = [self.finer.base.1, self.finer.head.1][side];
            Some(program.modules[*module as usize].first + place?)
        };
        let (before, after) = (at(0, both.0), at(1, both.1));
        let own = [(self.finer.base.1, before), (self.finer.head.1, after)];
        let is_replaced = |(program, unit): &(&Program, Option<UnitId>)| {
            unit.is_some_and(|unit| program.units[unit as usize].habits.replaced)
        };
        // nobody can call it
        if own.iter().all(is_replaced) && part != Part::Head {
            return Ok(self.with(|habits| habits.reads_sources));
        }
        if part == Part::Docs {
            if own.iter().any(is_replaced) {
                return Ok(self.with(|habits| habits.reads_sources));
            }
            let kept = own
                .iter()
                .any(|(program, unit)| unit.is_some_and(|unit| program.units[unit as usize].kept));
            let shown = own.iter().any(|(program, unit)| {
                let class = unit.and_then(|unit| program.units[unit as usize].class);
                class.is_some_and(|class| {
                    let class = &program.classes[class as usize];
                    unit.is_some_and(|unit| class.head == Some(unit)) && (class.made || class.open)
                })
            });
            // on import nobody but a decorator, or who makes a class, can ask for it
            return match kept || shown {
                true => {
                    Err("a decorator, or who makes the class, may read its docstring".to_owned())
                }
                false if !self.is_given(before, after) => {
                    Ok(self.with(|habits| habits.reads_sources))
                }
                false => Ok(self.with(|habits| habits.reads_docs)),
            };
        }
        if let (Some(before), Some(_)) = (before, after)
            && runs_alone(self.program(), before)
        {
            // runs only where the file is the program: whoever starts programs stays anyway
            return Ok(Bits::default());
        }
        if let (Part::Defaults, Some(before), Some(place)) = (part, before, both.0)
            && let Some(named) = self.finer.calls.get(path).and_then(|all| all.get(&place))
            && let Some(tests) = self.leave_out(before, named)
        {
            return Ok(tests);
        }
        let part = match part {
            Part::Way if !self.are_run(path, own) => Part::Head,
            part => part,
        };
        let mut users = Users::default();
        let empty = |unit: Option<UnitId>| {
            unit.is_some_and(|unit| self.program().units[unit as usize].habits.empty)
        };
        let is_suite = |(suite, _): &(Suite, String)| suite.file() == Some(path);
        if empty(before) && self.evidence.tests.iter().any(is_suite) {
            return Err("its body did nothing, which no line shows".to_owned());
        }
        // who calls one of these shows all the same: it is told as a value is
        let is_function = |unit: &UnitId| {
            let own = &self.program().units[*unit as usize];
            !(own.is_value || own.habits.empty)
        };
        let function = before.filter(is_function);
        users.direct.functions.extend(function);
        let plain = function.is_some() && after.is_some() && part != Part::Head;
        if let (Part::Way, Some(before), Some(after)) = (part, function, after) {
            self.got_at(before, after, &mut users)?;
        }
        if !plain {
            for (side, unit) in [(0, before), (1, after)] {
                if let Some(unit) = unit {
                    self.users(side, unit, &mut users)?;
                }
            }
        }
        let held = self.having(before, users.through)?;
        let (felt, mut tests) = (users.direct.functions, users.direct.loaders);
        let mut collecting = false;
        let by_lines = both.0.filter(|_| plain && part == Part::Body);
        let by_lines = by_lines.and_then(|place| self.reached.get(path)?.get(&place));
        match by_lines
            .zip(function)
            .and_then(|(spans, unit)| Some((self.lines(path, spans)?, unit)))
        {
            Some(((found, outside), unit)) => {
                tests.extend(&found);
                if outside {
                    collecting = true;
                    tests.extend(&self.collectors(unit)?);
                }
            }
            None => {
                let does_nothing = |unit: UnitId| self.program().units[unit as usize].habits.empty;
                for &unit in &felt {
                    if function == Some(unit) || !does_nothing(unit) {
                        tests.extend(&self.who(unit)?);
                        collecting |= self.body(unit).is_some_and(|(_, outside)| outside);
                    }
                }
            }
        }
        tests.extend(&held.tests);
        let felt = felt.into_iter().chain(held.functions).collect();
        self.shared(&felt, collecting || held.collecting, &mut tests)?;
        if part == Part::Defaults {
            tests.extend(&self.with(|habits| habits.reads_heads));
        }
        Ok(tests)
    }

    /// Whether whoever calls a function, as it is decorated in each version, runs it. Tests and fixtures are called by nobody.
    fn are_run(&self, path: &RepoPath, own: [(&Program, Option<UnitId>); 2]) -> bool {
        let wrapping = own.map(|(program, unit)| {
            let unit = &program.units[unit? as usize];
            Some(unit.wrapping)
        });
        let suite = Node::Test(Suite::Python { file: path.clone() });
        match wrapping {
            [Some(Wrapping::None), Some(Wrapping::None)] => true,
            [Some(Wrapping::Other), _] | [_, Some(Wrapping::Other)] => false,
            _ => {
                let is_fixture = |(program, unit): (&Program, Option<UnitId>)| {
                    unit.is_some_and(|unit| is_fixture(program, unit))
                };
                let is_test = |(program, unit): (&Program, Option<UnitId>)| {
                    let name = unit.map_or("", |unit| program.units[unit as usize].name.as_str());
                    name.rsplit('.')
                        .next()
                        .is_some_and(|last| last.starts_with("test"))
                };
                !own.into_iter()
                    .any(|side| is_fixture(side) || is_test(side))
                    && self.finer.base.0.find(&suite).is_none()
            }
        }
    }

    /// Whether a function may be got hold of other than to call it. Only of one that stands for itself it can be told that it is not.
    fn is_given(&self, before: Option<UnitId>, after: Option<UnitId>) -> bool {
        let (Some(before), Some(after)) = (before, after) else {
            return true;
        };
        let sides = [(self.finer.base.1, before), (self.finer.head.1, after)];
        sides.into_iter().any(|(program, unit)| {
            let own = &program.units[unit as usize];
            let named = Named::new(program, unit);
            let called = |used: &ProgramUse| *used == ProgramUse::Call(unit);
            let got = |(user, other): (usize, &crate::model::ProgramUnit)| {
                let mut uses = other.uses.iter().filter(|used| !called(used));
                uses.any(|used| named.matches(used)) || named.by_text(user as UnitId)
            };
            let of_class = own.class.is_some() || own.is_value || is_fixture(program, unit);
            of_class || program.units.iter().enumerate().any(got)
        })
    }
}
