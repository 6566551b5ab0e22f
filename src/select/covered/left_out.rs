//! Defaults that differ, felt by who leaves the argument out.
//!
//! A test feels them that ran a place where the function's name stands and does not give these arguments, or that ran the function and
//! none of these places: it came to it from where nobody can see.
//!
//! Not seen: code from outside that calls it by a name which the program uses, too, in a test that also calls it with all arguments.

use std::collections::BTreeSet;

use super::super::callers::{NamedAt, placed};
use super::super::named::runs_alone;
use super::ran::Ran;
use crate::model::{Bits, Means, UnitId};

impl Ran<'_> {
    /// The tests that ran one of these lines of a function, and those that may have loaded something that did; `None` where that
    /// cannot be told.
    fn ran_at(&self, unit: UnitId, lines: Vec<(u32, u32)>) -> Option<[Bits; 2]> {
        let own = &self.program().units[unit as usize];
        let path = &self.program().modules[own.module as usize].path;
        let Some((ran, outside)) = self.lines(path, &lines) else {
            return Some([self.loaders(own.module), self.loaders(own.module)]);
        };
        let loaded = outside.then(|| self.collectors(unit).ok());
        Some([ran, loaded.unwrap_or_else(|| Some(Bits::default()))?])
    }

    /// The tests that feel other defaults of a function; `None` where its calls do not tell.
    pub(super) fn leave_out(&self, unit: UnitId, named: &NamedAt) -> Option<Bits> {
        let program = self.program();
        // who ran a place that gives all, and who another one: in a test, and outside of any
        let (mut given, mut left_out) = <([Bits; 2], [Bits; 2])>::default();
        let mut felt = BTreeSet::from([unit]);
        for caller in placed(self.symbols(), unit, named)? {
            let own = &program.units[caller.unit as usize];
            let on_import = runs_alone(program, caller.unit);
            if own.is_value || on_import {
                if caller.gives() {
                    continue;
                }
                let users = match own.is_value {
                    true => self.users_of(caller.unit).ok()?,
                    // whoever can load the file may have it from there
                    false => self.can_load(own.module),
                };
                // it ran when the file was loaded, and may be called later
                left_out.iter_mut().for_each(|tests| tests.extend(&users));
                felt.insert(caller.unit);
                continue;
            }
            let spans = |gives: bool| {
                let places = caller.places.iter();
                let places = places.filter(|place| (place.means == Means::Given) == gives);
                places.map(|place| place.lines).collect()
            };
            if self.body(caller.unit).is_some() {
                let ran = self.ran_at(caller.unit, spans(true))?;
                given[0].extend(&ran[0]);
                given[1].extend(&ran[1]);
            }
            if caller.gives() {
                continue;
            }
            let others = match caller.told {
                true => spans(false),
                false => vec![own.body.unwrap_or(own.lines)],
            };
            let ran = self.ran_at(caller.unit, others)?;
            left_out[0].extend(&ran[0]);
            left_out[1].extend(&ran[1]);
            // what was taken outside of tests may be called in them
            if caller.takes() {
                left_out[0].extend(&ran[1]);
            }
            felt.insert(caller.unit);
        }
        let [mut unfelt, mut unfelt_outside] = given;
        unfelt.remove(&left_out[0]);
        unfelt_outside.remove(&left_out[1]);
        let (mut tests, outside) = self.body(unit)?;
        tests.remove(&unfelt);
        let mut collecting = Bits::default();
        if outside {
            collecting = self.collectors(unit).ok()?;
            collecting.remove(&unfelt_outside);
            tests.extend(&collecting);
        }
        self.shared(&felt, !collecting.is_empty(), &mut tests)
            .ok()?;
        tests.extend(&self.with(|habits| habits.reads_heads));
        Some(tests)
    }
}
