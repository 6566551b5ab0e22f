//! What the variables of a CI provider say: about the base of a change, and about the run at hand.

mod base;
mod run;

pub use base::ci_base;
pub use run::ci_run;

/// Reads variables; empty means not set.
struct Vars<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Vars<'_> {
    fn get(&self, name: &str) -> Option<String> {
        (self.0)(name)
            .map(|value| value.trim().to_string())
            .filter(|value| !value.is_empty())
    }

    fn is(&self, name: &str, wanted: &str) -> bool {
        self.get(name)
            .is_some_and(|value| value.eq_ignore_ascii_case(wanted))
    }

    /// A commit id. Providers that know none write zeros.
    fn commit(&self, name: &str) -> Option<String> {
        self.get(name).filter(|id| id.bytes().any(|b| b != b'0'))
    }
}

/// The providers whose variables are known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Provider {
    GitHub,
    GitLab,
    CircleCi,
    Travis,
    Buildkite,
    Azure,
    Jenkins,
}

impl Provider {
    /// The provider whose job this is. Jenkins comes last: its agents may run inside another provider's jobs.
    fn of(vars: &Vars<'_>) -> Option<Self> {
        let signs = [
            (vars.is("GITHUB_ACTIONS", "true"), Self::GitHub),
            (vars.is("GITLAB_CI", "true"), Self::GitLab),
            (vars.is("CIRCLECI", "true"), Self::CircleCi),
            (vars.is("TRAVIS", "true"), Self::Travis),
            (vars.is("BUILDKITE", "true"), Self::Buildkite),
            (vars.is("TF_BUILD", "true"), Self::Azure),
            (
                vars.get("JENKINS_URL").is_some() || vars.get("CHANGE_ID").is_some(),
                Self::Jenkins,
            ),
        ];
        signs.iter().find(|(here, _)| *here).map(|(_, it)| *it)
    }

    fn name(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub Actions",
            Self::GitLab => "GitLab CI",
            Self::CircleCi => "CircleCI",
            Self::Travis => "Travis CI",
            Self::Buildkite => "Buildkite",
            Self::Azure => "Azure Pipelines",
            Self::Jenkins => "Jenkins",
        }
    }
}
