//! What a CI provider's variables say about the run at hand.
//!
//! Names are those of [`attribute`]. The commit is the one that was checked out: on GitHub and Azure that is the merge
//! that the provider made for a pull request. Not seen here: which cell of a build matrix this is (no provider but
//! CircleCI, GitLab and Buildkite numbers parallel jobs); `--job` or `--shard` says so.

use super::{Provider, Vars};
use crate::model::{RunContext, attribute};

/// What the provider that `vars` describes says about the run; nothing outside CI.
pub fn ci_run(vars: &dyn Fn(&str) -> Option<String>) -> RunContext {
    let vars = Vars(vars);
    let mut run = Run {
        vars: &vars,
        context: RunContext::default(),
    };
    match Provider::of(&vars) {
        None => {}
        Some(Provider::GitHub) => github(&mut run),
        Some(Provider::GitLab) => gitlab(&mut run),
        Some(Provider::CircleCi) => circle(&mut run),
        Some(Provider::Travis) => travis(&mut run),
        Some(Provider::Buildkite) => buildkite(&mut run),
        Some(Provider::Azure) => azure(&mut run),
        Some(Provider::Jenkins) => jenkins(&mut run),
    }
    run.context
}

struct Run<'a> {
    vars: &'a Vars<'a>,
    context: RunContext,
}

impl Run<'_> {
    /// The attribute is what the first of these variables says.
    fn take(&mut self, attribute: &str, variables: &[&str]) {
        let value = variables.iter().find_map(|name| self.vars.get(name));
        self.put(attribute, value);
    }

    fn put(&mut self, attribute: &str, value: Option<String>) {
        if let Some(value) = value {
            self.context.set(attribute, &value);
        }
    }

    fn commit(&mut self, variables: &[&str]) {
        let value = variables.iter().find_map(|name| self.vars.commit(name));
        self.put(attribute::COMMIT, value);
    }

    /// `2/5`: a number counted from `first`, and how many there are. One of one is no shard.
    fn shard(&mut self, index: &str, total: &str, first: u32) {
        let number = |name: &str| self.vars.get(name)?.parse::<u32>().ok();
        if let (Some(index), Some(total)) = (number(index), number(total))
            && total > 1
            && index >= first
        {
            self.put(
                attribute::SHARD,
                Some(format!("{}/{total}", index - first + 1)),
            );
        }
    }
}

fn github(run: &mut Run<'_>) {
    run.commit(&["GITHUB_SHA"]);
    run.take(attribute::BRANCH, &["GITHUB_HEAD_REF", "GITHUB_REF_NAME"]);
    run.take(attribute::BASE_BRANCH, &["GITHUB_BASE_REF"]);
    let reference = run.vars.get("GITHUB_REF").unwrap_or_default();
    let change = reference.strip_prefix("refs/pull/");
    let change = change.and_then(|rest| rest.split('/').next());
    run.put(attribute::CHANGE, change.map(str::to_owned));
    run.take(attribute::PIPELINE, &["GITHUB_WORKFLOW"]);
    run.take(attribute::RUN_ID, &["GITHUB_RUN_ID"]);
    run.take(attribute::ATTEMPT, &["GITHUB_RUN_ATTEMPT"]);
    run.take(attribute::JOB, &["GITHUB_JOB"]);
    run.take(attribute::RUNNER, &["RUNNER_NAME"]);
    let parts = ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"];
    if let [Some(server), Some(repository), Some(id)] = parts.map(|name| run.vars.get(name)) {
        run.put(
            attribute::RUN_URL,
            Some(format!("{server}/{repository}/actions/runs/{id}")),
        );
    }
}

fn gitlab(run: &mut Run<'_>) {
    run.commit(&["CI_COMMIT_SHA"]);
    run.take(
        attribute::BRANCH,
        &["CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_REF_NAME"],
    );
    run.take(
        attribute::BASE_BRANCH,
        &["CI_MERGE_REQUEST_TARGET_BRANCH_NAME"],
    );
    let base = run.vars.commit("CI_MERGE_REQUEST_DIFF_BASE_SHA");
    run.put(attribute::BASE_COMMIT, base);
    run.take(attribute::CHANGE, &["CI_MERGE_REQUEST_IID"]);
    run.take(
        attribute::PIPELINE,
        &["CI_PIPELINE_NAME", "CI_PROJECT_PATH"],
    );
    run.take(attribute::RUN_ID, &["CI_PIPELINE_ID"]);
    run.take(attribute::RUN_URL, &["CI_PIPELINE_URL"]);
    run.take(attribute::JOB, &["CI_JOB_NAME"]);
    run.take(attribute::JOB_RUN_ID, &["CI_JOB_ID"]);
    run.take(attribute::RUNNER, &["CI_RUNNER_DESCRIPTION"]);
    run.shard("CI_NODE_INDEX", "CI_NODE_TOTAL", 1);
}

fn circle(run: &mut Run<'_>) {
    run.commit(&["CIRCLE_SHA1"]);
    run.take(attribute::BRANCH, &["CIRCLE_BRANCH", "CIRCLE_TAG"]);
    let change = run.vars.get("CIRCLE_PR_NUMBER").or_else(|| {
        let url = run.vars.get("CIRCLE_PULL_REQUEST")?;
        url.rsplit('/').next().map(str::to_owned)
    });
    run.put(attribute::CHANGE, change);
    run.take(attribute::PIPELINE, &["CIRCLE_PROJECT_REPONAME"]);
    run.take(attribute::RUN_ID, &["CIRCLE_WORKFLOW_ID"]);
    run.take(attribute::RUN_URL, &["CIRCLE_BUILD_URL"]);
    run.take(attribute::JOB, &["CIRCLE_JOB"]);
    run.take(
        attribute::JOB_RUN_ID,
        &["CIRCLE_WORKFLOW_JOB_ID", "CIRCLE_BUILD_NUM"],
    );
    run.shard("CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0);
}

/// `TRAVIS_BRANCH` is the target in pull requests, and the branch itself in pushes.
fn travis(run: &mut Run<'_>) {
    run.commit(&["TRAVIS_COMMIT"]);
    let request = run.vars.get("TRAVIS_PULL_REQUEST");
    if request.as_deref().is_some_and(|number| number != "false") {
        run.put(attribute::CHANGE, request);
        run.take(attribute::BRANCH, &["TRAVIS_PULL_REQUEST_BRANCH"]);
        run.take(attribute::BASE_BRANCH, &["TRAVIS_BRANCH"]);
    } else {
        run.take(attribute::BRANCH, &["TRAVIS_BRANCH"]);
    }
    run.take(attribute::PIPELINE, &["TRAVIS_REPO_SLUG"]);
    run.take(attribute::RUN_ID, &["TRAVIS_BUILD_ID"]);
    run.take(attribute::RUN_URL, &["TRAVIS_BUILD_WEB_URL"]);
    run.take(
        attribute::JOB,
        &["TRAVIS_JOB_NAME", "TRAVIS_BUILD_STAGE_NAME"],
    );
    run.take(attribute::JOB_RUN_ID, &["TRAVIS_JOB_ID"]);
}

/// Retries are counted from 0, parallel jobs, too. `BUILDKITE_PULL_REQUEST` is `false` for pushes.
fn buildkite(run: &mut Run<'_>) {
    run.commit(&["BUILDKITE_COMMIT"]);
    run.take(attribute::BRANCH, &["BUILDKITE_BRANCH"]);
    let request = run.vars.get("BUILDKITE_PULL_REQUEST");
    run.put(
        attribute::CHANGE,
        request.filter(|number| number != "false"),
    );
    run.take(
        attribute::BASE_BRANCH,
        &["BUILDKITE_PULL_REQUEST_BASE_BRANCH"],
    );
    run.take(attribute::PIPELINE, &["BUILDKITE_PIPELINE_SLUG"]);
    run.take(attribute::RUN_ID, &["BUILDKITE_BUILD_ID"]);
    run.take(attribute::RUN_URL, &["BUILDKITE_BUILD_URL"]);
    run.take(attribute::JOB, &["BUILDKITE_STEP_KEY", "BUILDKITE_LABEL"]);
    run.take(attribute::JOB_RUN_ID, &["BUILDKITE_JOB_ID"]);
    let retries = run.vars.get("BUILDKITE_RETRY_COUNT");
    let attempt = retries.and_then(|count| count.parse::<u32>().ok());
    run.put(
        attribute::ATTEMPT,
        attempt.map(|count| (count.saturating_add(1)).to_string()),
    );
    run.take(attribute::RUNNER, &["BUILDKITE_AGENT_NAME"]);
    run.shard("BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0);
}

fn azure(run: &mut Run<'_>) {
    let branch = |name: Option<String>| {
        name.map(|name| name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned())
    };
    run.commit(&["BUILD_SOURCEVERSION"]);
    let source = run.vars.get("SYSTEM_PULLREQUEST_SOURCEBRANCH");
    let source = source.or_else(|| run.vars.get("BUILD_SOURCEBRANCH"));
    run.put(attribute::BRANCH, branch(source));
    let target = run.vars.get("SYSTEM_PULLREQUEST_TARGETBRANCH");
    run.put(attribute::BASE_BRANCH, branch(target));
    run.take(
        attribute::CHANGE,
        &[
            "SYSTEM_PULLREQUEST_PULLREQUESTNUMBER",
            "SYSTEM_PULLREQUEST_PULLREQUESTID",
        ],
    );
    run.take(attribute::PIPELINE, &["BUILD_DEFINITIONNAME"]);
    run.take(attribute::RUN_ID, &["BUILD_BUILDID"]);
    run.take(attribute::JOB, &["SYSTEM_JOBNAME", "AGENT_JOBNAME"]);
    run.take(attribute::JOB_RUN_ID, &["SYSTEM_JOBID"]);
    run.take(attribute::ATTEMPT, &["SYSTEM_JOBATTEMPT"]);
    run.take(attribute::RUNNER, &["AGENT_NAME"]);
    run.shard("SYSTEM_JOBPOSITIONINPHASE", "SYSTEM_TOTALJOBSINPHASE", 1);
}

/// `BUILD_TAG` names job and build; `BUILD_NUMBER` alone repeats between jobs.
fn jenkins(run: &mut Run<'_>) {
    run.commit(&["GIT_COMMIT"]);
    let branch = ["CHANGE_BRANCH", "BRANCH_NAME", "GIT_BRANCH"];
    let branch = branch.iter().find_map(|name| run.vars.get(name));
    let branch = branch.map(|name| name.strip_prefix("origin/").unwrap_or(&name).to_owned());
    run.put(attribute::BRANCH, branch);
    run.take(attribute::BASE_BRANCH, &["CHANGE_TARGET"]);
    run.take(attribute::CHANGE, &["CHANGE_ID"]);
    run.take(attribute::PIPELINE, &["JOB_NAME"]);
    run.take(attribute::RUN_ID, &["BUILD_TAG"]);
    run.take(attribute::RUN_URL, &["BUILD_URL"]);
    run.take(attribute::JOB, &["STAGE_NAME"]);
    run.take(attribute::RUNNER, &["NODE_NAME"]);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

    fn said(vars: &[(&str, &str)]) -> String {
        let context = ci_run(&|name| {
            let found = vars.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_string())
        });
        let all = context.all();
        let pairs: Vec<String> = all.iter().map(|(k, v)| format!("{k}={v}")).collect();
        pairs.join(" ")
    }

    #[test]
    fn outside_ci_nothing_is_said() {
        assert_eq!(said(&[("GITHUB_SHA", SHA), ("BUILD_NUMBER", "7")]), "");
    }

    #[test]
    fn a_pull_request_on_github_keeps_its_number_and_both_branches() {
        let found = said(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SHA", SHA),
            ("GITHUB_REF", "refs/pull/12/merge"),
            ("GITHUB_REF_NAME", "12/merge"),
            ("GITHUB_HEAD_REF", "fix"),
            ("GITHUB_BASE_REF", "main"),
            ("GITHUB_WORKFLOW", "ci"),
            ("GITHUB_RUN_ID", "99"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_JOB", "test"),
        ]);
        assert_eq!(
            found,
            format!(
                "cicd.pipeline.name=ci cicd.pipeline.run.id=99 cicd.pipeline.task.name=test tia.run.attempt=2 \
                 vcs.change.id=12 vcs.ref.base.name=main vcs.ref.head.name=fix vcs.ref.head.revision={SHA}"
            )
        );
    }

    #[test]
    fn shards_count_from_one_whatever_the_provider_counts_from() {
        let circle = [
            ("CIRCLECI", "true"),
            ("CIRCLE_NODE_INDEX", "0"),
            ("CIRCLE_NODE_TOTAL", "4"),
        ];
        assert_eq!(said(&circle), "tia.run.shard=1/4");
        let gitlab = [
            ("GITLAB_CI", "true"),
            ("CI_NODE_INDEX", "4"),
            ("CI_NODE_TOTAL", "4"),
        ];
        assert_eq!(said(&gitlab), "tia.run.shard=4/4");
        let buildkite = [
            ("BUILDKITE", "true"),
            ("BUILDKITE_PARALLEL_JOB", "1"),
            ("BUILDKITE_PARALLEL_JOB_COUNT", "2"),
            ("BUILDKITE_RETRY_COUNT", "1"),
            ("BUILDKITE_PULL_REQUEST", "false"),
        ];
        assert_eq!(said(&buildkite), "tia.run.attempt=2 tia.run.shard=2/2");
        let alone = [
            ("CIRCLECI", "true"),
            ("CIRCLE_NODE_INDEX", "0"),
            ("CIRCLE_NODE_TOTAL", "1"),
        ];
        assert_eq!(said(&alone), "");
    }

    #[test]
    fn the_other_providers_name_commit_branch_and_run() {
        #[rustfmt::skip]
        let table: &[(&[(&str, &str)], &str)] = &[
            (&[("GITLAB_CI", "true"), ("CI_COMMIT_SHA", SHA), ("CI_COMMIT_REF_NAME", "main"), ("CI_PIPELINE_ID", "5"), ("CI_JOB_NAME", "unit"), ("CI_JOB_ID", "77")],
             "cicd.pipeline.run.id=5 cicd.pipeline.task.name=unit cicd.pipeline.task.run.id=77 vcs.ref.head.name=main"),
            (&[("TRAVIS", "true"), ("TRAVIS_COMMIT", SHA), ("TRAVIS_PULL_REQUEST", "9"), ("TRAVIS_PULL_REQUEST_BRANCH", "fix"), ("TRAVIS_BRANCH", "main"), ("TRAVIS_BUILD_ID", "5")],
             "cicd.pipeline.run.id=5 vcs.change.id=9 vcs.ref.base.name=main vcs.ref.head.name=fix"),
            (&[("TF_BUILD", "True"), ("BUILD_SOURCEVERSION", SHA), ("BUILD_SOURCEBRANCH", "refs/heads/main"), ("BUILD_BUILDID", "5"), ("SYSTEM_JOBATTEMPT", "1")],
             "cicd.pipeline.run.id=5 tia.run.attempt=1 vcs.ref.head.name=main"),
            (&[("JENKINS_URL", "x"), ("GIT_COMMIT", SHA), ("GIT_BRANCH", "origin/main"), ("BUILD_TAG", "jenkins-a-5")],
             "cicd.pipeline.run.id=jenkins-a-5 vcs.ref.head.name=main"),
        ];
        for (vars, expected) in table {
            assert_eq!(
                said(vars),
                format!("{expected} vcs.ref.head.revision={SHA}")
            );
        }
    }
}
