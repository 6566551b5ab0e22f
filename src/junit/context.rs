//! What a report says of the run it tells of: properties by allow-list.
//!
//! Producers dump whole environments into properties, secrets included. So a property leaves the reader only under a name
//! of [`attribute`], or one of the few that say the same in older words.

use crate::model::{RunContext, attribute};

/// Properties that are kept under their own name.
const KEPT: [&str; 21] = [
    attribute::COMMIT,
    attribute::BRANCH,
    attribute::BASE_COMMIT,
    attribute::BASE_BRANCH,
    attribute::CHANGE,
    attribute::PIPELINE,
    attribute::RUN_ID,
    attribute::RUN_URL,
    attribute::JOB,
    attribute::JOB_RUN_ID,
    attribute::ATTEMPT,
    attribute::SHARD,
    attribute::COMMAND,
    attribute::HOST,
    attribute::ARCH,
    attribute::OS,
    attribute::OS_VERSION,
    attribute::RUNNER,
    attribute::CPUS,
    attribute::LOAD,
    attribute::MEMORY,
];

/// Properties that say the same in other words.
const OTHERS: [(&str, &str); 5] = [
    ("commit", attribute::COMMIT),
    ("branch", attribute::BRANCH),
    ("os.arch", attribute::ARCH),
    ("os.name", attribute::OS),
    ("go.version", "go.version"),
];

/// Longest value that is kept, in bytes.
const LONGEST: usize = 1024;

/// The name under which a property is kept; `None` for one that is not. `asked` are those that the user wants, too.
pub(super) fn kept<'a>(name: &str, asked: &'a [(String, String)]) -> Option<&'a str> {
    if let Some((_, attribute)) = asked.iter().find(|(asked, _)| asked == name) {
        return Some(attribute);
    }
    let own = KEPT.iter().find(|kept| **kept == name).copied();
    own.or_else(|| {
        let other = OTHERS.iter().find(|(other, _)| *other == name)?;
        Some(other.1)
    })
}

/// Keeps a property that [`kept`] allows, unless the name already has a value. `false` for a value that cannot be.
pub(super) fn keep(context: &mut RunContext, name: &str, value: &str) -> bool {
    let value = value.trim();
    if value.is_empty() || context.all().contains_key(name) {
        return true;
    }
    if value.len() > LONGEST {
        return false;
    }
    if name == attribute::OS {
        return context.set(name, os(value));
    }
    context.set(name, value)
}

/// Keeps a host name that is one.
pub(super) fn keep_host(context: &mut RunContext, host: &str) {
    if !matches!(host, "" | "localhost" | "tbd" | "-" | "unknown") && host.len() <= LONGEST {
        keep(context, attribute::HOST, host);
    }
}

/// The name of an operating system as the conventions have it.
fn os(name: &str) -> &str {
    let starts = |start: &str| {
        name.get(..start.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(start))
    };
    match name {
        _ if starts("linux") => "linux",
        _ if starts("mac") || starts("darwin") => "darwin",
        _ if starts("windows") => "windows",
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_on_the_list_are_kept() {
        assert_eq!(kept("vcs.ref.head.revision", &[]), Some(attribute::COMMIT));
        assert_eq!(kept("os.name", &[]), Some(attribute::OS));
        for secret in [
            "AWS_SECRET_ACCESS_KEY",
            "env.TOKEN",
            "user.name",
            "java.class.path",
        ] {
            assert_eq!(kept(secret, &[]), None);
        }
    }

    #[test]
    fn the_first_value_of_a_name_stays() {
        let mut context = RunContext::default();
        assert!(keep(&mut context, attribute::COMMIT, "abc"));
        assert!(keep(&mut context, attribute::COMMIT, "def"));
        assert_eq!(context.commit.as_deref(), Some("abc"));
        assert!(!keep(&mut context, attribute::ATTEMPT, "second"));
        keep_host(&mut context, "tbd");
        assert!(keep(&mut context, attribute::OS, "Mac OS X"));
        assert_eq!(context.attributes[attribute::OS], "darwin");
        assert_eq!(context.attributes.len(), 1);
    }
}
