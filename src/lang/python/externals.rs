//! Distributions from outside the tree: what pins them, what they need, and which imports load them.
//!
//! Not seen: what is installed without being written down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::distributions::{self, Imported};
use super::resolve::{Project, Resolver};
use super::stdlib;
use crate::model::{EdgeKind, Node, NodeRef, Printer};

/// What project and lock files say of distributions.
pub(super) struct Declared {
    names: BTreeSet<String>,
    /// Top-level names that were asked for already.
    asked: Mutex<BTreeMap<String, bool>>,
}

impl Declared {
    pub(super) fn new(projects: &[Project<'_>]) -> Self {
        let pins = projects.iter().flat_map(|p| &p.says.pins);
        Self {
            names: pins.map(|pin| pin.name.clone()).collect(),
            asked: Mutex::default(),
        }
    }

    /// Whether some distribution brings this top-level name.
    pub(super) fn provides(&self, top: &str) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = asked.get(top) {
            return *known;
        }
        let imported = Imported::new(top);
        let known = self.names.iter().any(|name| imported.may_load(name));
        asked.insert(top.to_owned(), known);
        known
    }
}

/// Lays out the distributions, what they need, and who imports them.
pub(super) fn lay(resolver: &mut Resolver<'_, '_>, projects: &[Project<'_>]) {
    let own: BTreeSet<&str> = projects
        .iter()
        .filter_map(|p| p.says.name.as_deref())
        .collect();
    let mut names: BTreeMap<&str, Printer> = BTreeMap::new();
    for project in projects {
        for pin in project
            .says
            .pins
            .iter()
            .filter(|pin| !own.contains(&pin.name[..]))
        {
            let printer = names.entry(&pin.name).or_default();
            printer.number(pin.print.0 as u64);
            printer.number((pin.print.0 >> 64) as u64);
        }
    }
    let mut nodes: BTreeMap<&str, NodeRef> = BTreeMap::new();
    for (name, printer) in &names {
        let node = resolver.out.node(Node::External {
            ecosystem: "pypi".to_owned(),
            name: (*name).to_owned(),
            version: String::new(),
        });
        resolver.out.print(node, printer.finish());
        nodes.insert(name, node);
    }
    for pin in projects.iter().flat_map(|p| &p.says.pins) {
        for need in &pin.needs {
            if let (Some(&from), Some(&to)) = (nodes.get(&pin.name[..]), nodes.get(&need[..])) {
                resolver.out.edge(from, to, EdgeKind::External, 0);
            }
        }
    }
    let mut matched: BTreeSet<&str> = BTreeSet::new();
    let mut unmatched: Vec<NodeRef> = Vec::new();
    let outside = std::mem::take(&mut resolver.outside);
    for (top, &module) in &outside {
        let mut some = false;
        let imported = Imported::new(top);
        for (name, &node) in &nodes {
            if imported.may_load(name) {
                some = true;
                matched.insert(name);
                resolver.out.edge(module, node, EdgeKind::External, 0);
            }
        }
        if !some && !stdlib::is_stdlib(top) {
            unmatched.push(module);
        }
    }
    // A name that nobody is known to bring may be brought by any distribution that nobody is known to import.
    for (name, &node) in &nodes {
        if !matched.contains(name) {
            for &module in &unmatched {
                resolver.out.edge(module, node, EdgeKind::External, 0);
            }
        }
    }
    // What acts without being imported acts on the whole project: plugins, and what it asks for but nobody imports.
    for project in projects {
        let scope = resolver.scope(&project.dir);
        for pin in &project.says.pins {
            let acts = distributions::acts_on_all(&pin.name);
            if (acts || pin.direct && !matched.contains(&pin.name[..]))
                && let Some(&node) = nodes.get(&pin.name[..])
            {
                resolver.out.edge(scope, node, EdgeKind::External, 0);
            }
        }
    }
}
