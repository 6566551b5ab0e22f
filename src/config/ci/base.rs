//! What a CI provider's variables say about the base of the change it is testing.
//!
//! One function a provider, each a list of ways to find the base, the most exact first.
//! Not seen here: builds of a plain push. Their base is in no variable (GitHub keeps it in the event file), so they
//! get no hint, and the default base stands.

use super::{Provider, Vars};
use crate::model::{BaseHint, BaseTry};

/// What the provider that `vars` describes says about the base; `None` outside CI and where it says nothing.
pub fn ci_base(vars: &dyn Fn(&str) -> Option<String>) -> Option<BaseHint> {
    let vars = Vars(vars);
    let provider = Provider::of(&vars)?;
    let tries = match provider {
        Provider::GitHub => github(&vars),
        Provider::GitLab => gitlab(&vars),
        // names no target in its environment, so the default base stands
        Provider::CircleCi => Vec::new(),
        Provider::Travis => travis(&vars),
        Provider::Buildkite => buildkite(&vars),
        Provider::Azure => azure(&vars),
        Provider::Jenkins => jenkins(&vars),
    };
    (!tries.is_empty()).then(|| BaseHint {
        provider: provider.name().to_owned(),
        tries,
    })
}

/// A pull request is tested as a merge commit that GitHub made; a merge queue as a branch that names its target.
fn github(vars: &Vars<'_>) -> Vec<BaseTry> {
    let reference = vars.get("GITHUB_REF").unwrap_or_default();
    if let Some(branch) = vars.get("GITHUB_BASE_REF") {
        let merge = reference.starts_with("refs/pull/") && reference.ends_with("/merge");
        let merged = vars
            .commit("GITHUB_SHA")
            .filter(|_| merge)
            .map(BaseTry::FirstParentOf);
        return merged
            .into_iter()
            .chain([BaseTry::Branch(branch)])
            .collect();
    }
    let queue = reference.strip_prefix("refs/heads/gh-readonly-queue/");
    let target = queue
        .and_then(|rest| rest.rsplit_once("/pr-"))
        .map(|(branch, _)| branch);
    target
        .map(|branch| BaseTry::Branch(branch.to_string()))
        .into_iter()
        .collect()
}

/// Merged results and merge trains are tested as a merge onto the target's commit; plain pipelines on the source branch.
fn gitlab(vars: &Vars<'_>) -> Vec<BaseTry> {
    let merged = ["merged_result", "merge_train"]
        .iter()
        .any(|kind| vars.is("CI_MERGE_REQUEST_EVENT_TYPE", kind));
    let mut tries = Vec::new();
    if merged {
        tries.extend(
            vars.commit("CI_MERGE_REQUEST_TARGET_BRANCH_SHA")
                .map(BaseTry::MergeBaseWith),
        );
    }
    // The branch before the recorded base, which is out of date once the target of the request has changed.
    tries.extend(
        vars.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME")
            .map(BaseTry::Branch),
    );
    tries.extend(
        vars.commit("CI_MERGE_REQUEST_DIFF_BASE_SHA")
            .map(BaseTry::Commit),
    );
    tries
}

/// `TRAVIS_BRANCH` is the target in pull requests, and the branch itself in pushes.
fn travis(vars: &Vars<'_>) -> Vec<BaseTry> {
    if vars
        .get("TRAVIS_PULL_REQUEST")
        .is_none_or(|number| number == "false")
    {
        return Vec::new();
    }
    let range = vars.get("TRAVIS_COMMIT_RANGE");
    let from = range
        .as_deref()
        .and_then(|range| range.split_once(".."))
        .map(|(from, _)| from);
    let mut tries: Vec<BaseTry> = vars
        .get("TRAVIS_BRANCH")
        .map(BaseTry::Branch)
        .into_iter()
        .collect();
    tries.extend(
        from.filter(|from| !from.is_empty())
            .map(|from| BaseTry::MergeBaseWith(from.to_string())),
    );
    tries
}

fn buildkite(vars: &Vars<'_>) -> Vec<BaseTry> {
    let branch = vars.get("BUILDKITE_PULL_REQUEST_BASE_BRANCH");
    branch.map(BaseTry::Branch).into_iter().collect()
}

fn azure(vars: &Vars<'_>) -> Vec<BaseTry> {
    let branch = vars.get("SYSTEM_PULLREQUEST_TARGETBRANCH");
    branch
        .map(|branch| {
            branch
                .strip_prefix("refs/heads/")
                .unwrap_or(&branch)
                .to_string()
        })
        .map(BaseTry::Branch)
        .into_iter()
        .collect()
}

fn jenkins(vars: &Vars<'_>) -> Vec<BaseTry> {
    vars.get("CHANGE_TARGET")
        .map(BaseTry::Branch)
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What it is, the variables, and what they say.
    type Row<'a> = (&'static str, Vec<(&'static str, &'a str)>, Vec<BaseTry>);

    const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn each_provider_names_its_base() {
        let branch = |name: &str| BaseTry::Branch(name.into());
        let zeros = "0".repeat(40);
        #[rustfmt::skip]
        let table: Vec<Row<'_>> = vec![
            ("outside", vec![("GITHUB_BASE_REF", "main")], vec![]),
            ("pull request", vec![
                ("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_BASE_REF", "main"),
                ("GITHUB_REF", "refs/pull/7/merge"), ("GITHUB_SHA", SHA),
            ], vec![BaseTry::FirstParentOf(SHA.into()), branch("main")]),
            ("pull request target", vec![
                ("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "pull_request_target"), ("GITHUB_BASE_REF", "main"),
                ("GITHUB_REF", "refs/heads/main"), ("GITHUB_SHA", SHA),
            ], vec![branch("main")]),
            ("merge queue", vec![
                ("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "merge_group"), ("GITHUB_BASE_REF", ""),
                ("GITHUB_REF", "refs/heads/gh-readonly-queue/release/2.x/pr-7-0123456"),
            ], vec![branch("release/2.x")]),
            ("push", vec![
                ("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "push"), ("GITHUB_REF", "refs/heads/main"),
            ], vec![]),
            ("merge request", vec![
                ("GITLAB_CI", "true"), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", SHA),
                ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"), ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", ""),
                ("CI_MERGE_REQUEST_EVENT_TYPE", "detached"),
            ], vec![branch("main"), BaseTry::Commit(SHA.into())]),
            ("merge train", vec![
                ("GITLAB_CI", "true"), ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", SHA),
                ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"), ("CI_MERGE_REQUEST_EVENT_TYPE", "merge_train"),
                ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &zeros),
            ], vec![BaseTry::MergeBaseWith(SHA.into()), branch("main")]),
            ("branch pipeline", vec![("GITLAB_CI", "true"), ("CI_COMMIT_BRANCH", "main")], vec![]),
            ("Travis pull request", vec![
                ("TRAVIS", "true"), ("TRAVIS_PULL_REQUEST", "12"), ("TRAVIS_BRANCH", "main"),
                ("TRAVIS_COMMIT_RANGE", "abc...def"),
            ], vec![branch("main"), BaseTry::MergeBaseWith("abc".into())]),
            ("Travis push", vec![
                ("TRAVIS", "true"), ("TRAVIS_PULL_REQUEST", "false"), ("TRAVIS_BRANCH", "main"),
            ], vec![]),
            ("CircleCI", vec![("CIRCLECI", "true"), ("CIRCLE_BRANCH", "feature")], vec![]),
            ("Jenkins change", vec![
                ("JENKINS_URL", "http://ci"), ("CHANGE_ID", "7"), ("CHANGE_TARGET", "main"),
            ], vec![branch("main")]),
            ("Buildkite", vec![
                ("BUILDKITE", "true"), ("BUILDKITE_PULL_REQUEST", "7"), ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", "main"),
            ], vec![branch("main")]),
            ("Buildkite push", vec![
                ("BUILDKITE", "true"), ("BUILDKITE_PULL_REQUEST", "false"), ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", ""),
            ], vec![]),
            ("Azure", vec![
                ("TF_BUILD", "True"), ("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main"),
            ], vec![branch("main")]),
        ];
        for (case, vars, tries) in table {
            let read = |name: &str| {
                let found = vars.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_string())
            };
            let found = ci_base(&read).map_or_else(Vec::new, |hint| hint.tries);
            assert_eq!(found, tries, "{case}");
        }
    }
}
