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
    /// Those of which nothing of the head differs but decorators that say how a function is got at.
    pub ways: Vec<Both>,
    /// Definitions whose docstrings differ.
    pub docs: Vec<Both>,
    /// Names of the file that are new, gone, or bound to something else, for whoever asks the file for them.
    pub names: Vec<String>,
    /// New imports on the top level, as [`ProgramImport::written`](super::ProgramImport::written). They run before anything else does.
    pub imports: Vec<String>,
    /// The imports that load what the other version does not, of the older and of the newer one, in the same form.
    pub loads: [Vec<String>; 2],
    /// Some definition starts on another line.
    pub moved: bool,
}
