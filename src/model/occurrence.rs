//! Where the name of a function stands.

/// A place of a file where the name of a function stands, of which the defaults of some parameters differ.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Occurrence {
    /// The lines of the statement, or of its head where that holds others; 1-based, both included.
    pub lines: (u32, u32),
    /// It stands in a function's body.
    pub inside: bool,
    /// What it stands there for.
    pub means: Means,
}

/// What the name of a function stands for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Means {
    /// A call that gives all arguments whose defaults differ.
    Given,
    /// A call that may leave one of them out.
    LeftOut,
    /// The function itself, which may be called from anywhere.
    Value,
}
