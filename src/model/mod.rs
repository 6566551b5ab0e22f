//! The words of `tia`, as types. Imports nothing of ours.
//!
//! | word | type |
//! | --- | --- |
//! | snapshot | [`Snapshot`]: the paths and blobs of one git tree, or of the working tree laid over HEAD |
//! | change | [`Change`]: what differs between two snapshots |
//! | node, edge | [`Node`], [`EdgeKind`]: "A depends on B" |
//! | test | [`Suite`]: what a runner can be asked to run as one piece; [`TestId`]: one test as reports name it |
//! | run | [`RunContext`]: one execution of a test command; [`Part`]: what one of its jobs reported |
//! | result | [`TestResult`]: one test's outcome in one run, with its [`Attempt`]s |
//! | coverage | [`Measured`]: which lines ran, test by test |
//! | recording | [`Recording`]: which files each test was seen to open |
//! | variant | [`Variant`]: what sets executions of one test apart without making it another test |

mod attributed;
mod base;
mod change;
mod ids;
mod measured;
mod node;
mod occurrence;
mod path;
mod quarantine;
mod recorded;
mod result;
mod run;
mod series;
mod sink;
mod snapshot;
mod symbols;
mod test_id;
mod units;

pub use attributed::{Attributed, Both};
pub use base::{BaseHint, BaseTry};
pub use change::{Change, ChangeKind, PathChange};
pub use ids::{BlobId, CargoTest, Fingerprint, ObjectId, Printer, Suite};
pub use measured::{Bits, Measured, MeasuredContext};
pub use node::{EdgeKind, Node};
pub use occurrence::{Means, Occurrence};
pub use path::RepoPath;
pub use quarantine::{Date, Pattern, Quarantined};
pub use recorded::{Meeting, Reader, Recording};
pub use result::{Attempt, Failure, Status, TestResult};
pub use run::{Part, RunContext, SEARCH_BRANCH, Source, attribute};
pub use series::{PartId, PastPart, RunId, Seen, Series};
pub use sink::{Claim, EdgeSink, NodeInfo, NodeRef, Note, SinkEdge};
pub use snapshot::{Entry, Mode, Snapshot};
pub use symbols::{
    ClassId, Habits, ModuleId, Program, ProgramClass, ProgramImport, ProgramLeft, ProgramModule,
    ProgramSuite, ProgramUnit, ProgramUse, UnitId, Word, Wrapping,
};
pub use test_id::{TestId, TestParts, Variant};
pub use units::{LogSeconds, Probability, Seconds, Timestamp};
