//! The words of `tia`, as types. Imports nothing of ours.
//!
//! | word | type |
//! | --- | --- |
//! | snapshot | [`Snapshot`]: the paths and blobs of one git tree, or of the working tree laid over HEAD |
//! | change | [`Change`]: what differs between two snapshots |
//! | node, edge | [`Node`], [`EdgeKind`]: "A depends on B" |
//! | test | [`Suite`]: what a runner can be asked to run as one piece |

mod base;
mod change;
mod ids;
mod node;
mod path;
mod sink;
mod snapshot;

pub use base::{BaseHint, BaseTry};
pub use change::{Change, ChangeKind, PathChange};
pub use ids::{BlobId, CargoTest, Fingerprint, ObjectId, Printer, Suite};
pub use node::{EdgeKind, Node};
pub use path::RepoPath;
pub use sink::{Claim, EdgeSink, NodeInfo, NodeRef, Note, SinkEdge};
pub use snapshot::{Entry, Mode, Snapshot};
