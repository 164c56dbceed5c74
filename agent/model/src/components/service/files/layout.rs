//! Which volumes files need. A mount covers a whole directory, so there is one for each directory that gets files; one
//! below another is part of that.

use std::collections::{BTreeMap, BTreeSet};

use super::File;

/// A directory that gets files.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    /// The directory.
    pub(super) directory: &'a str,
    /// Its files: the path below it, and the whole path.
    pub(super) files: Vec<(&'a str, &'a str)>,
    /// Whether what the image has there is left out.
    pub(super) replace: bool,
}

/// The directory that a path is in; none for what is no path.
pub(super) fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(directory, _)| directory).filter(|directory| !directory.is_empty())
}

/// What lies below a directory: `conf.d/a` of `/etc/nginx/conf.d/a`.
pub(super) fn below<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    path.strip_prefix(directory)?.strip_prefix('/')
}

/// Whether one of two directories is the other, or below it: volumes for both would hide each other.
pub(in super::super) fn overlap(one: &str, other: &str) -> bool {
    one == other || below(one, other).is_some() || below(other, one).is_some()
}

/// The directories that get a volume, by their names.
pub(super) fn targets(files: &BTreeMap<String, File>) -> Vec<Target<'_>> {
    let all: BTreeSet<&str> = files.keys().filter_map(|path| parent(path)).collect();
    let outer = all.iter().filter(|one| !all.iter().any(|other| below(one, other).is_some()));
    outer
        .map(|directory| {
            let of_it = files.keys().filter_map(|path| Some((below(path, directory)?, path.as_str())));
            let own = files.iter().filter(|(path, _)| parent(path) == Some(directory));
            let replace = own.filter_map(|(_, file)| file.replace_dir()).any(|replace| replace);
            Target { directory, files: of_it.collect(), replace }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(paths: &[&str]) -> Vec<(String, Vec<String>)> {
        let files = paths.iter().map(|path| ((*path).to_owned(), File::Source("x".into()))).collect();
        let names = |target: &Target<'_>| target.files.iter().map(|(name, _)| (*name).to_owned()).collect();
        targets(&files).iter().map(|target| (target.directory.to_owned(), names(target))).collect()
    }

    #[test]
    fn a_directory_below_another_joins_it_whatever_stands_between() {
        let all = laid(&["/etc/nginx/conf.d/a/x", "/etc/nginx/nginx.conf", "/etc/nginx-more/y", "/etc/app/z"]);
        let expected =
            [("/etc/app", vec!["z"]), ("/etc/nginx", vec!["conf.d/a/x", "nginx.conf"]), ("/etc/nginx-more", vec!["y"])];
        assert_eq!(all, expected.map(|(path, names)| (path.into(), names.into_iter().map(str::to_owned).collect())));
    }

    #[test]
    fn directories_overlap_by_whole_names() {
        assert!(overlap("/a/b", "/a") && overlap("/a", "/a/b") && overlap("/a", "/a"));
        assert!(!overlap("/a-b", "/a") && !overlap("/a/b", "/a/c"));
    }
}
