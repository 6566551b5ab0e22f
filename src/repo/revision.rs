//! Revisions: what the user typed → a commit, or what was probably meant.
//!
//! Not seen here: ranges (`a..b`), which name no single commit.

use git2::{ErrorCode, ObjectType};

use crate::model::ObjectId;

use super::Repo;
use super::error::RepoError;
use super::objects::id;

/// So many names are suggested at most.
const SUGGESTIONS: usize = 3;

impl Repo {
    /// The commit that a revision names: a branch, tag, id, or any expression of gitrevisions(7). A revision that
    /// names a tree and no commit gives the tree; [`Repo::tree_id`] takes either.
    pub fn resolve(&self, spec: &str) -> Result<ObjectId, RepoError> {
        let object = self
            .git
            .revparse_single(spec)
            .map_err(|error| self.not_resolved(spec, error))?;
        let kind = object
            .kind()
            .map_or("object", |kind| kind.str())
            .to_string();
        if object.kind() == Some(ObjectType::Tree) {
            return Ok(id(object.id()));
        }
        let commit = object.peel_to_commit().map_err(|_| RepoError::NotACommit {
            spec: spec.to_string(),
            kind,
        })?;
        Ok(id(commit.id()))
    }

    fn not_resolved(&self, spec: &str, source: git2::Error) -> RepoError {
        let spec = spec.to_string();
        match source.code() {
            ErrorCode::Ambiguous => RepoError::Ambiguous { spec },
            ErrorCode::NotFound | ErrorCode::InvalidSpec | ErrorCode::UnbornBranch => {
                RepoError::NoRevision {
                    near: self.near_misses(&spec),
                    shallow: self.git.is_shallow(),
                    spec,
                }
            }
            _ => RepoError::Git {
                what: format!("resolve revision `{spec}`"),
                source,
            },
        }
    }

    /// Branches and tags whose name is close to a word, the closest first.
    fn near_misses(&self, word: &str) -> Vec<String> {
        let Ok(references) = self.git.references() else {
            return Vec::new();
        };
        let mut near: Vec<(usize, String)> = references
            .filter_map(Result::ok)
            .filter_map(|reference| reference.shorthand().ok().map(str::to_string))
            .filter_map(|name| {
                let last = name.rsplit('/').next().unwrap_or(&name);
                let far =
                    distance(word, &name).min(distance(word, last) + usize::from(last != name));
                (far <= 1 + word.len() / 4).then_some((far, name))
            })
            .collect();
        near.sort();
        near.dedup();
        near.into_iter()
            .map(|(_, name)| name)
            .take(SUGGESTIONS)
            .collect()
    }
}

/// How many letters have to be put in, taken out or replaced. Long words are cut: they are not typed by hand.
fn distance(a: &str, b: &str) -> usize {
    let cut = |word: &str| word.chars().take(64).collect::<Vec<char>>();
    let (a, b) = (cut(a), cut(b));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let diagonal = row.get(j).copied().unwrap_or(0) + usize::from(x != y);
            let above = row.get(j + 1).copied().unwrap_or(0) + 1;
            let left = next.last().copied().unwrap_or(0) + 1;
            next.push(diagonal.min(above).min(left));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::testing::Sandbox;

    #[test]
    fn distance_counts_single_letters() {
        for (a, b, far) in [
            ("main", "main", 0),
            ("man", "main", 1),
            ("mian", "main", 2),
            ("", "ab", 2),
        ] {
            assert_eq!(distance(a, b), far, "{a} {b}");
        }
    }

    #[test]
    fn an_unknown_revision_names_its_near_misses() {
        let repo = Sandbox::new();
        repo.write("a", "1").commit("one");
        repo.git(&["branch", "feature/parser"]);
        let error = repo.open().resolve("feature/praser").unwrap_err();
        assert_eq!(
            error.to_string(),
            "no revision `feature/praser`; did you mean `feature/parser`?"
        );
        assert!(error.hint().unwrap().contains("git fetch"));
    }

    #[test]
    fn tags_ids_and_expressions_lead_to_commits() {
        let repo = Sandbox::new();
        repo.write("a", "1").commit("one");
        let first = repo.git(&["rev-parse", "HEAD"]);
        repo.write("a", "2").commit("two");
        repo.git(&["tag", "-a", "-m", "x", "v1", "HEAD~1"]);
        let open = repo.open();
        for spec in [
            "v1",
            "HEAD~1",
            "@^",
            first.trim(),
            &first[..10],
            "main~1",
            "v1^{commit}",
        ] {
            assert_eq!(
                open.resolve(spec).unwrap().to_string(),
                first.trim(),
                "{spec}"
            );
        }
        assert_eq!(
            open.resolve("HEAD:a").unwrap_err().to_string(),
            "revision `HEAD:a` is a blob, not a commit"
        );
    }
}
