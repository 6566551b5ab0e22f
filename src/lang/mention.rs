//! String literals that name a tracked path.
