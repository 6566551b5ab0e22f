//! `tia` runs only the tests a change can break.
//!
//! One selection is a pipeline of values: [`repo`] gives two snapshots and the change between them; [`lang`] turns
//! blobs into facts and facts into edges; [`graph`] holds them and walks backwards; [`select`] returns a selection
//! with a reason for every test and a fallback for every path that nobody understood; [`report`] turns it into text.
//! On the other side stands the past: [`junit`] reads reports, [`history`] keeps what they say, [`flaky`] judges it.
//! [`app`] joins these into use cases, [`cli`] is the terminal in front of them.
//!
//! The core needs no repository. A graph is laid out from what readers say, and walked backwards from what changed:
//!
//! ```
//! use tia::graph::{Graph, Seed};
//! use tia::model::{EdgeKind, EdgeSink, Suite};
//!
//! let mut sink = EdgeSink::default();
//! let suite = Suite::Python { file: "test_leaf.py".into() };
//! let test = sink.test(suite, vec!["test_leaf".into()], true);
//! let leaf = sink.path(&"leaf.py".into());
//! sink.edge(test, leaf, EdgeKind::Import, 1);
//!
//! let graph = Graph::build(sink);
//! let changed = graph.find_path(&"leaf.py".into()).expect("it was laid out");
//! let reach = graph.reach([Seed { node: changed, bytes_only: false }]);
//! assert_eq!(reach.iter().count(), 2, "the file itself, and the test that imports it");
//! ```

pub mod app;
pub mod cli;
pub mod config;
pub mod coverage;
pub mod edges;
pub mod flaky;
pub mod graph;
pub mod history;
pub mod junit;
pub mod lang;
pub mod model;
pub mod repo;
pub mod report;
pub mod select;
pub mod triage;
