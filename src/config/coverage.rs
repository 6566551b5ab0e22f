//! Which files of coverage a selection reads, as a flag or `tia.toml` names them: `FILE` or `FILE@COMMIT`.

use std::path::PathBuf;

/// A file of coverage.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CoverageFile {
    /// The file.
    pub file: PathBuf,
    /// The commit at which it was measured; where it is not said, the first line of the file of the same name with `.commit`
    /// after it.
    pub at: Option<String>,
    /// The line of `tia.toml` that names it; then a relative path starts at the top of the repository.
    pub line: Option<usize>,
}

impl CoverageFile {
    /// Reads `FILE` or `FILE@COMMIT`. An `@` at the beginning belongs to the file.
    ///
    /// # Errors
    /// A text that names no file, or no commit after the `@`; in words.
    pub fn parse(given: &str) -> Result<Self, String> {
        let (file, at) = match given.rsplit_once('@') {
            Some((file, at)) if !file.is_empty() => (file, Some(at)),
            _ => (given, None),
        };
        if file.is_empty() {
            return Err("names no file of coverage".to_owned());
        }
        if at == Some("") {
            return Err(format!("`{given}` names no commit after the `@`"));
        }
        Ok(Self {
            file: PathBuf::from(file),
            at: at.map(str::to_owned),
            line: None,
        })
    }
}

impl std::fmt::Display for CoverageFile {
    /// As messages name it: with the line of `tia.toml` where one does.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`", self.file.display())?;
        match self.line {
            Some(line) => write!(f, " (line {line} of `tia.toml`)"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_at_parts_the_file_from_the_commit() {
        let parsed = |given: &str| {
            let parsed = CoverageFile::parse(given)?;
            Ok::<_, String>((
                parsed.file.display().to_string(),
                parsed.at.unwrap_or_default(),
            ))
        };
        let both = |file: &str, at: &str| Ok((file.to_owned(), at.to_owned()));
        assert_eq!(parsed("a.info"), both("a.info", ""));
        assert_eq!(parsed("a@b@HEAD~1"), both("a@b", "HEAD~1"));
        assert_eq!(parsed("@a"), both("@a", ""));
        assert!(parsed("").is_err() && parsed("a@").is_err());
    }
}
