//! A task: an image's directory, a volume for the program, volumes for directories, and what the agent would write into the
//! task definition.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use agent_files::contract::{Directory, Encoding, File, Files, Insertion, VARIABLE};
use base64::Engine;
use sha2::{Digest, Sha256};

use crate::ssm::Ssm;

pub struct Task {
    pub ssm: Ssm,
    folder: tempfile::TempDir,
}

/// Folders that not even their owner may write to could not be removed by anybody but root.
impl Drop for Task {
    fn drop(&mut self) {
        let volumes = fs::read_dir(self.folder.path().join("volumes")).into_iter().flatten().flatten();
        for root in volumes.map(|entry| entry.path()).chain([self.image()]) {
            let _ = fs::set_permissions(root.join("snippets/private"), fs::Permissions::from_mode(0o700));
        }
    }
}

/// What a run left behind.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Task {
    /// With an nginx in it: mime.types of 2020, nginx.conf, a link and a folder that only its owner may enter.
    pub fn nginx() -> Self {
        let task = Self { ssm: Ssm::start(), folder: tempfile::tempdir().expect("a folder") };
        let image = task.image();
        fs::create_dir_all(image.join("snippets/private")).expect("made");
        fs::create_dir_all(task.folder.path().join("bin")).expect("made");
        put(&image.join("mime.types"), "text/html html;", 0o640);
        put(&image.join("nginx.conf"), "of the image", 0o600);
        put(&image.join("snippets/private/key"), "of the image", 0o400);
        mode(&image.join("snippets/private"), 0o500);
        mode(&image, 0o750);
        std::os::unix::fs::symlink("/usr/lib/nginx/modules", image.join("modules")).expect("linked");
        let file = fs::File::options().write(true).open(image.join("mime.types")).expect("open");
        file.set_modified(Self::years_ago()).expect("set");
        if is_root() {
            std::os::unix::fs::chown(image.join("mime.types"), Some(33), Some(34)).expect("root may");
            std::os::unix::fs::lchown(image.join("modules"), Some(33), Some(34)).expect("root may");
        }
        task.install();
        task
    }

    pub fn years_ago() -> std::time::SystemTime {
        std::time::UNIX_EPOCH + std::time::Duration::new(1_580_000_000, 123_000_000)
    }

    /// What stands for the image's /etc/nginx.
    pub fn image(&self) -> PathBuf {
        self.folder.path().join("image/etc/nginx")
    }

    /// A volume that is empty the first time.
    pub fn volume(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join("volumes").join(name);
        fs::create_dir_all(&path).expect("made");
        path
    }

    pub fn outside(&self) -> PathBuf {
        let path = self.folder.path().join("outside");
        fs::create_dir_all(&path).expect("made");
        path
    }

    fn install(&self) {
        let bin = self.folder.path().join("bin");
        let output = Command::new(env!("CARGO_BIN_EXE_agent-files")).arg("install").arg(&bin).env_clear().output();
        let output = output.expect("it runs");
        assert!(output.status.success(), "{output:?}");
        assert_eq!(fs::metadata(bin.join("agent-files")).expect("there").mode() & 0o7777, 0o755);
        assert_eq!(fs::read_dir(&bin).expect("there").count(), 1, "nothing else is left there");
    }

    /// The directory of the image, into the volume `0`.
    pub fn directory(&self, files: Vec<File>) -> Directory {
        let (path, volume) = (text(&self.image()), text(&self.volume("0")));
        Directory { path, volume, replace: false, files }
    }

    /// A file in parts of at most `most` characters, each in its parameter.
    pub fn file(&self, name: &str, content: &str, encoding: Encoding, most: usize) -> File {
        let hash: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        let encoded = match encoding {
            Encoding::Plain => content.to_owned(),
            Encoding::Gzip => {
                let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
                packer.write_all(content.as_bytes()).expect("packed");
                base64::engine::general_purpose::STANDARD.encode(packer.finish().expect("packed"))
            }
        };
        let mut parameters = Vec::new();
        for (number, part) in encoded.as_bytes().chunks(most).enumerate() {
            let parameter = format!("/gitops-agent/um/files/{}/{number}", &hash[..16]);
            self.ssm.put(&parameter, std::str::from_utf8(part).expect("whole characters"));
            parameters.push(parameter);
        }
        let (mode, owner) = ("0644".to_owned(), owner());
        File { name: name.to_owned(), mode, owner, sha256: hash, parameters, encoding, insertions: Vec::new() }
    }

    pub fn plain(&self, name: &str, content: &str) -> File {
        self.file(name, content, Encoding::Plain, 4096)
    }

    /// Runs the installed copy in a container that has nothing but what Amazon ECS gives it.
    pub fn unpack(&self, directories: Vec<Directory>, more: &[(&str, &str)]) -> Ran {
        let files = Files { version: 1, directories };
        self.unpack_text(&serde_json::to_string(&files).expect("JSON"), more)
    }

    pub fn unpack_text(&self, files: &str, more: &[(&str, &str)]) -> Ran {
        let output = Command::new(self.folder.path().join("bin/agent-files"))
            .arg("unpack")
            .env_clear()
            .env(VARIABLE, files)
            .env("AWS_REGION", "eu-west-2")
            .env("AWS_ENDPOINT_URL_SSM", &self.ssm.url)
            .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/credentials", self.ssm.url))
            .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "task-token")
            .envs(more.iter().copied())
            .current_dir("/")
            .output();
        ran(&output.expect("it runs"))
    }
}

fn ran(output: &Output) -> Ran {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    let ran = Ran { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) };
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("never-shown"), "the secret key is in the output");
    ran
}

impl Ran {
    #[track_caller]
    pub fn fine(&self) {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{}", self.stdout);
    }

    /// One sentence on stderr with all of these words, and nothing else.
    #[track_caller]
    pub fn stopped(&self, words: &[&str]) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(1), ""), "{}", self.stderr);
        assert!(self.stderr.starts_with("agent-files: ") && self.stderr.lines().count() == 1, "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "{word} is not in: {}", self.stderr);
        }
    }
}

/// Who may give things away.
pub fn is_root() -> bool {
    ids().0 == 0
}

fn ids() -> (u32, u32) {
    let file = tempfile::tempfile().expect("a file").metadata().expect("its data");
    (file.uid(), file.gid())
}

/// The owner of laid files: nginx's number for root, who may set it, and else the user who runs the tests.
pub fn owner() -> String {
    let (user, group) = if is_root() { (101, 102) } else { ids() };
    format!("{user}:{group}")
}

pub fn put(path: &Path, content: &str, permissions: u32) {
    fs::write(path, content).expect("written");
    mode(path, permissions);
}

pub fn mode(path: &Path, permissions: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(permissions)).expect("set");
}

pub fn text(path: &Path) -> String {
    path.to_str().expect("text").to_owned()
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

/// Permissions and `user:group`.
pub fn meta(path: &Path) -> (u32, String) {
    let meta = fs::symlink_metadata(path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()));
    (meta.mode() & 0o7777, format!("{}:{}", meta.uid(), meta.gid()))
}

/// Every path below, with permissions, owner, size and time of change: what must not differ between two runs, save times of
/// what is laid over.
pub fn listing(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let link = fs::read_link(&path).ok();
            let content = link.is_none().then(|| fs::read(&path).ok()).flatten();
            found.push(format!("{} {:?} {link:?} {content:?}", path.display(), meta(&path)));
            if link.is_none() && path.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

/// An insertion.
pub fn insertion(at: usize, variable: &str) -> Insertion {
    Insertion { at, variable: variable.to_owned() }
}
