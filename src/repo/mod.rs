//! World: git. The only folder that names git2.
