//! How one file changed, definition by definition.

/// The places of a definition in the older and in the newer version of its file; in one of them where it was added or removed.
pub type Both = (Option<u32>, Option<u32>);

/// How one file changed, definition by definition.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Attributed {
    /// Definitions that differ.
    pub units: Vec<Both>,
    /// Those among them that differ in what runs when they are defined.
    pub heads: Vec<Both>,
    /// Those among these that differ in more than the values of defaults.
    pub shapes: Vec<Both>,
    /// Those of which nothing of the head differs but decorators: those that say how a function is got at, and those that are not known.
    pub ways: Vec<Both>,
    /// Definitions whose docstrings differ.
    pub docs: Vec<Both>,
    /// Names of the file that are new, gone, or bound to something else, for whoever asks the file for them.
    pub names: Vec<String>,
    /// New imports on the top level, as [`ProgramImport::written`](super::ProgramImport::written). They run before anything else does.
    pub imports: Vec<String>,
    /// The imports that load what the other version does not, of the older and of the newer one, in the same form.
    pub loads: [Vec<String>; 2],
    /// A data file differs that the file names where it is loaded.
    pub data: bool,
    /// Some definition starts on another line.
    pub moved: bool,
}

impl Attributed {
    /// Whether nothing differs but what runs, or is read, once somebody gets to a definition that both versions have: a test that gets
    /// to none of these in the older version does what it did.
    pub fn is_inside(&self) -> bool {
        let mut units = self.units.iter().chain(&self.docs);
        units.all(|both| both.0.is_some() && both.0 == both.1)
            && self.heads.is_empty()
            && self.names.is_empty()
            && self.imports.is_empty()
            && self.loads.iter().all(Vec::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_runs_inside_of_definitions_that_both_versions_have_is_inside() {
        let both = (Some(3), Some(3));
        let inside = Attributed {
            units: vec![both],
            docs: vec![both],
            moved: true,
            ..Attributed::default()
        };
        assert!(inside.is_inside());
        let with = |change: fn(&mut Attributed)| {
            let mut other = inside.clone();
            change(&mut other);
            other.is_inside()
        };
        assert!(!with(|a| a.units.push((None, Some(4)))));
        assert!(!with(|a| a.units.push((Some(4), None))));
        assert!(!with(|a| a.units.push((Some(4), Some(5)))));
        assert!(!with(|a| a.docs.push((Some(4), Some(5)))));
        assert!(!with(|a| a.heads.push((Some(3), Some(3)))));
        assert!(!with(|a| a.names.push("name".to_owned())));
        assert!(!with(|a| a.imports.push("os:".to_owned())));
        assert!(!with(|a| a.loads[1].push("os:".to_owned())));
    }
}
