//! The address of a repository, taken apart before anything connects: which schemes are allowed, which host and port the SSH
//! key is checked for, and what of it may be shown. Credentials are taken out of the text that libgit2 gets, so that no
//! message of its own can repeat them. It opens nothing.

use std::path::PathBuf;

use super::GitError;

/// How the repository is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Smart HTTP over TLS.
    Https,
    /// `git-upload-pack` over SSH.
    Ssh,
}

/// A repository on another host.
#[derive(Clone, PartialEq, Eq)]
pub struct Remote {
    /// How it is reached.
    pub transport: Transport,
    /// Host name or address, in lower case, an IPv6 address without brackets.
    pub host: String,
    /// The port, where the URL names one.
    pub port: Option<u16>,
    /// The user from the URL, decoded.
    pub user: Option<String>,
    /// The password from an https URL, decoded.
    pub password: Option<String>,
    /// What libgit2 gets: without credentials (an SSH user stays, it is part of the address).
    pub url: String,
    /// What people see: without user and password.
    pub shown: String,
}

/// Where a repository is.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder of this host.
    Local(PathBuf),
    /// Another host.
    Remote(Remote),
}

/// Takes an address apart: `https://`, `ssh://`, `user@host:path`, `file://` or a local path (what has no `://` and no colon
/// before its first slash, as Git decides it).
pub fn parse(url: &str) -> Result<Location, GitError> {
    let refuse = |why: &str| GitError::UnsupportedUrl { url: redact(url), why: why.to_owned() };
    if url.is_empty() {
        return Err(refuse("it is empty"));
    }
    if url.chars().any(super::text::is_unsafe) {
        return Err(refuse("it holds control or invisible characters"));
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return match url.split_once(':') {
            Some((before, _)) if !before.contains('/') => scp(url).map(Location::Remote).map_err(refuse),
            _ => Ok(Location::Local(url.into())),
        };
    };
    match scheme.to_ascii_lowercase().as_str() {
        "https" => remote(Transport::Https, rest).map(Location::Remote).map_err(refuse),
        "ssh" => remote(Transport::Ssh, rest).map(Location::Remote).map_err(refuse),
        "file" => file(rest).map(Location::Local).map_err(refuse),
        "http" | "git" => Err(refuse("it is neither encrypted nor authenticated")),
        other => Err(refuse(&format!("the scheme `{other}` is not supported"))),
    }
}

/// The address as people may see it: without user and password.
pub fn shown(url: &str) -> String {
    match parse(url) {
        Ok(Location::Remote(remote)) => remote.shown,
        Ok(Location::Local(path)) => path.display().to_string(),
        Err(_) => redact(url),
    }
}

/// One text for all ways to write the address of a repository: without user, password, `.git`, slashes at its end, a port that
/// goes without saying, and without the way of transport, for a host has one repository at a path. Upper and lower case are told
/// apart in the path alone.
pub fn identity(url: &str) -> String {
    let bare = |path: &str| {
        let path = path.trim_end_matches('/');
        let path = path.strip_suffix("/.git").or_else(|| path.strip_suffix(".git")).unwrap_or(path);
        path.trim_end_matches('/').to_owned()
    };
    match parse(url) {
        Ok(Location::Local(path)) => bare(&std::path::absolute(&path).unwrap_or(path).to_string_lossy()),
        Ok(Location::Remote(remote)) => {
            let usual = match remote.transport {
                Transport::Https => 443,
                Transport::Ssh => 22,
            };
            let port = remote.port.filter(|port| *port != usual);
            // What libgit2 gets is `scheme://user@host:port/path` or `user@host:path`.
            let after = remote.url.split_once("://").map_or_else(
                || remote.url.split_once(':').map(|(_, path)| path),
                |(_, rest)| rest.split_once('/').map(|(_, path)| path),
            );
            format!("{}/{}", bracketed(&remote.host, port), bare(after.unwrap_or_default().trim_start_matches('/')))
        }
        Err(_) => url.to_owned(),
    }
}

/// The address without anything before its last `@`; for addresses that could not be taken apart.
fn redact(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let rest = rest.rsplit_once('@').map_or(rest, |(_, after)| after);
    let separator = if scheme.is_empty() { "" } else { "://" };
    super::text::line(&format!("{scheme}{separator}{rest}"), 200)
}

fn file(rest: &str) -> Result<PathBuf, &'static str> {
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    if !path.starts_with('/') {
        return Err("a file URL needs an absolute path: file:///srv/manifests.git");
    }
    decode(path).map(PathBuf::from)
}

fn remote(transport: Transport, rest: &str) -> Result<Remote, &'static str> {
    let (authority, path) = rest.split_once('/').ok_or("it has no path")?;
    let (userinfo, host_port) = match authority.rsplit_once('@') {
        Some((userinfo, host)) => (Some(userinfo), host),
        None => (None, authority),
    };
    let (host, port) = host_and_port(host_port)?;
    if path.is_empty() || path.contains([' ', '?', '#']) {
        return Err("its path is empty or holds a blank, `?` or `#`");
    }
    let (user, password) = match userinfo.map(|u| u.split_once(':').map_or((u, None), |(u, p)| (u, Some(p)))) {
        Some((user, password)) => (Some(decode(user)?).filter(|u| !u.is_empty()), password.map(decode).transpose()?),
        None => (None, None),
    };
    let password = password.filter(|p| !p.is_empty());
    let (scheme, at) = match transport {
        Transport::Https => ("https", String::new()),
        Transport::Ssh if password.is_some() => return Err("SSH with a password is not supported, use a key"),
        Transport::Ssh => ("ssh", format!("{}@", ssh_user(user.as_deref())?)),
    };
    let shown_host = bracketed(&host, port);
    Ok(Remote {
        transport,
        url: format!("{scheme}://{at}{shown_host}/{path}"),
        shown: format!("{scheme}://{shown_host}/{path}"),
        host,
        port,
        user,
        password,
    })
}

fn scp(url: &str) -> Result<Remote, &'static str> {
    let (authority, path) = url.split_once(':').ok_or("it has no path")?;
    let (user, host) = match authority.split_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    if path.is_empty() || path.starts_with([':', '-']) {
        return Err("it is neither a path, nor https://, ssh:// or user@host:path");
    }
    let (host, _) = host_and_port(host)?;
    let at = ssh_user(user)?;
    Ok(Remote {
        transport: Transport::Ssh,
        url: format!("{at}@{host}:{path}"),
        shown: format!("{host}:{path}"),
        host,
        port: None,
        user: user.map(str::to_owned),
        password: None,
    })
}

/// The user of an SSH address; `git` is what every hosting service uses.
fn ssh_user(user: Option<&str>) -> Result<&str, &'static str> {
    let user = user.unwrap_or("git");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if user.is_empty() || user.starts_with('-') || !user.chars().all(plain) {
        return Err("its user name holds unexpected characters");
    }
    Ok(user)
}

fn host_and_port(text: &str) -> Result<(String, Option<u16>), &'static str> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or("its host lacks the closing bracket")?;
        if host.parse::<std::net::Ipv6Addr>().is_err() {
            return Err("its host in brackets is no IPv6 address");
        }
        (host, after.strip_prefix(':').or_else(|| after.is_empty().then_some("")))
    } else {
        text.split_once(':').map_or((text, Some("")), |(host, port)| (host, Some(port)))
    };
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if host.is_empty() || host.starts_with(['-', '.']) || !(text.starts_with('[') || host.chars().all(name)) {
        return Err("its host name holds unexpected characters");
    }
    let port = match port.ok_or("something follows its host")? {
        "" => None,
        digits => Some(digits.parse::<u16>().ok().filter(|p| *p != 0).ok_or("its port is not a number up to 65535")?),
    };
    Ok((host.to_ascii_lowercase(), port))
}

/// `host`, `host:port`, with brackets around an IPv6 address.
fn bracketed(host: &str, port: Option<u16>) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    port.map_or(host.clone(), |port| format!("{host}:{port}"))
}

fn decode(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else { return Err("it holds a malformed %-escape") };
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| "it holds a malformed %-escape")?);
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => Ok(text),
        _ => Err("it holds a malformed %-escape"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn remote_of(url: &str) -> Remote {
        match parse(url).unwrap() {
            Location::Remote(remote) => remote,
            Location::Local(path) => panic!("{url} became the path {}", path.display()),
        }
    }

    #[test]
    fn https_loses_its_credentials() {
        let r = remote_of("HTTPS://us%40er:p%2Fw@Example.org:8443/team/manifests.git");
        assert_eq!((r.user.as_deref(), r.password.as_deref()), (Some("us@er"), Some("p/w")));
        assert_eq!((r.host.as_str(), r.port), ("example.org", Some(8443)));
        assert_eq!(r.url, "https://example.org:8443/team/manifests.git");
        assert_eq!(r.shown, r.url);
    }

    #[test]
    fn ssh_in_both_forms() {
        let r = remote_of("ssh://deploy@[2001:db8::1]:2222/srv/m.git");
        assert_eq!(
            (r.host.as_str(), r.port, r.url.as_str()),
            ("2001:db8::1", Some(2222), "ssh://deploy@[2001:db8::1]:2222/srv/m.git")
        );
        assert_eq!(r.shown, "ssh://[2001:db8::1]:2222/srv/m.git");
        assert_eq!(remote_of("ssh://github.com/o/r").url, "ssh://git@github.com/o/r");
        let r = remote_of("git@github.com:o/r.git");
        assert_eq!(
            (r.url.as_str(), r.shown.as_str(), r.transport),
            ("git@github.com:o/r.git", "github.com:o/r.git", Transport::Ssh)
        );
        assert_eq!(remote_of("github.com:o/r.git").url, "git@github.com:o/r.git");
    }

    #[test]
    fn local_paths() {
        for (url, path) in [
            (".", "."),
            ("/srv/a:b", "/srv/a:b"),
            ("./a:b", "./a:b"),
            ("file:///srv/m%20x.git", "/srv/m x.git"),
            ("file://localhost/x", "/x"),
        ] {
            assert!(parse(url).unwrap() == Location::Local(path.into()), "{url}");
        }
    }

    #[test]
    fn one_repository_has_one_identity_however_it_is_written() {
        let same = |urls: &[&str]| {
            for url in urls {
                assert_eq!(identity(url), identity(urls[0]), "{url}");
            }
        };
        same(&[
            "https://git.example.org/o/r.git",
            "https://git.example.org/o/r",
            "HTTPS://me:secret@Git.Example.org:443/o/r.git/",
            "ssh://git@git.example.org/o/r",
            "ssh://git.example.org:22/o/r.git",
            "git@git.example.org:o/r.git",
            "git.example.org:/o/r",
        ]);
        same(&["/srv/m.git", "/srv/m", "file:///srv/m.git/", "FILE://localhost/srv/m", "/srv/m/.git", "/srv/./m/"]);
        same(&["ssh://[2001:db8::1]:2222/r", "ssh://git@[2001:DB8::1]:2222/r.git"]);
        let all = [
            "https://git.example.org/o/r",
            "https://git.example.org/o/R",
            "https://git.example.org/o/r2",
            "https://git.example.org:8443/o/r",
            "ssh://git.example.org:443/o/r",
            "https://example.org/o/r",
            "/o/r",
            "/git.example.org/o/r",
        ];
        let identities: std::collections::BTreeSet<String> = all.into_iter().map(identity).collect();
        assert_eq!(identities.len(), all.len(), "{identities:?}");
        assert!(!identity("https://me:secret@h/r").contains("secret"));
    }

    #[test]
    fn everything_else_is_refused_and_no_password_is_shown() {
        for url in [
            "",
            "http://u:secret@h/x",
            "git://h/x",
            "ext::sh -c secret",
            "ftp://u:secret@h/x",
            "https://u:secret@h",
            "https://h/",
            "https://u:secret@h:99999/x",
            "https://u:secret@-h/x",
            "https://u:se/secret@h/x",
            "https://h/x?y",
            "https://h/a\nb",
            "https://[h]/x",
            "ssh://u:secret@h/x",
            "ssh://-oProxyCommand=secret@h/x",
            "ssh://-oProxyCommand=x/x",
            "-oX@h:x",
            "h:-x",
            "file://other/x",
            "https://u:%zz@h/x",
            "https://u:%00@h/x",
        ] {
            let Err(error) = parse(url) else { panic!("{url} was accepted") };
            assert!(matches!(error, GitError::UnsupportedUrl { .. }), "{url}");
            assert!(url.starts_with("ext") || !error.to_string().contains("secret"), "{error}");
        }
    }
}
