//! Files that the monolith names instead of sending: `X-Sendfile` and `X-Accel-Redirect`.
//!
//! `Rack::Sendfile` replaces an answer's body by one of these fields and trusts that the server in
//! front of it sends the file. A server that does not know them sends a download of no bytes, so
//! each answer that has one becomes the file or a clean error, and the field never goes further.

mod asked;
mod body;
mod head;
mod open;
#[cfg(test)]
mod tests;

use std::{
    ffi::OsStr,
    fs::{File, Metadata},
    io,
    os::unix::ffi::OsStrExt as _,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, response};
use percent_encoding::percent_decode;

use self::open::OpenError;
pub use self::{asked::Asked, body::FileBody};

const X_SENDFILE: HeaderName = HeaderName::from_static("x-sendfile");
const X_ACCEL_REDIRECT: HeaderName = HeaderName::from_static("x-accel-redirect");

/// What Rack makes the URIs of `X-Accel-Redirect` by: `DIR=/PREFIX`, several with commas.
const X_ACCEL_MAPPING: HeaderName = HeaderName::from_static("x-accel-mapping");

/// The directories that files may be sent from. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Roots {
    roots: Arc<[Root]>,
    mapping: Option<HeaderValue>,
}

/// One `--sendfile`.
#[derive(Debug)]
struct Root {
    /// What URIs of `X-Accel-Redirect` begin with; none where the directory is for `X-Sendfile`.
    prefix: Option<PathBuf>,
    /// Absolute. It is looked up anew for each file, since a deployment replaces `current`.
    directory: PathBuf,
}

/// Why a `--sendfile` is none.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// Its directory is relative, and so would depend on where the process was started.
    #[error("--sendfile {0}: must be DIR or /PREFIX=DIR, and DIR must begin with `/`")]
    Relative(String),
    /// Two of them have the same prefix.
    #[error("--sendfile {0}: another one has the same prefix; give each its own")]
    Twice(String),
    /// The operating system does not open it.
    #[error(
        "--sendfile {value}: DIR must be a directory that this process may enter, on Linux 5.6 or \
         later"
    )]
    Unusable {
        /// What was given.
        value: String,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Why the file that the monolith named is not sent. Each holds what the monolith wrote.
#[derive(Debug, thiserror::Error)]
pub enum SendfileError {
    /// There is no such file.
    #[error("the monolith named {0:?}, which is not there: does this machine have its files?")]
    Absent(String),
    /// It is a directory, a device or another thing that has no length.
    #[error("the monolith named {0:?}, which is not a regular file: correct the application")]
    NotAFile(String),
    /// It is in none of the directories, or a symbolic link leads out of them.
    #[error(
        "the monolith named {0:?}, which is in no --sendfile directory: configure its directory, \
         or correct the application"
    )]
    Outside(String),
    /// It is relative, has `..` or NUL in it, or there are two.
    #[error("the monolith named {0:?}: it must name one file, absolutely and without `..`")]
    Unclear(String),
    /// The operating system does not open it.
    #[error("the monolith named {named:?}, which cannot be opened: check who may read it")]
    Unreadable {
        /// What the monolith wrote.
        named: String,
        /// What the operating system said.
        source: io::Error,
    },
}

impl Roots {
    /// Reads the values of `--sendfile`: `DIR` for the absolute paths of `X-Sendfile`, or
    /// `/PREFIX=DIR` for the URIs of `X-Accel-Redirect` that begin with `/PREFIX`.
    ///
    /// # Errors
    /// The first value that is neither, or whose directory cannot be used.
    pub fn parse(values: &[String]) -> Result<Self, RootError> {
        let mut roots: Vec<Root> = Vec::with_capacity(values.len());
        for value in values {
            let root = Root::parse(value)?;
            if root.prefix.is_some() && roots.iter().any(|it| it.prefix == root.prefix) {
                return Err(RootError::Twice(value.clone()));
            }
            roots.push(root);
        }
        let mapping = mapping(&roots);
        Ok(Self { roots: roots.into(), mapping })
    }

    /// Tells the monolith how its files are called, where that is by URIs: `Rack::Sendfile` names
    /// none without it.
    pub fn announce(&self, headers: &mut HeaderMap) {
        if let Some(mapping) = &self.mapping {
            headers.insert(X_ACCEL_MAPPING, mapping.clone());
        }
    }

    /// Whether no directory is configured.
    pub fn are_none(&self) -> bool {
        self.roots.is_empty()
    }

    /// What has to be kept of a request until its answer is here; next to nothing where there are
    /// no directories.
    pub fn asked(&self, method: &Method, headers: &HeaderMap) -> Asked {
        if self.roots.is_empty() { Asked::default() } else { Asked::of(method, headers) }
    }

    /// Opens the file that an answer names, and makes the answer's head fit the body that is
    /// returned. The answer's own body is to be thrown away.
    ///
    /// What Rails said stays (`Content-Type`,
    /// `Content-Disposition`, `Set-Cookie`, `Cache-Control`, its validators); `Content-Length`
    /// becomes the file's. A file that Rails gave neither `ETag` nor `Last-Modified` gets both.
    ///
    /// # Errors
    /// Why the file is not sent; then the head is of no use and [`SendfileError::status`] says what
    /// the buyer gets.
    pub async fn answer(
        &self,
        named: Named,
        asked: &Asked,
        head: &mut response::Parts,
    ) -> Result<FileBody, SendfileError> {
        let text = named.text.clone();
        let roots = Arc::clone(&self.roots);
        // The disk may be slow, or a network.
        let opened = tokio::task::spawn_blocking(move || open(&roots, &named)).await;
        let opened = opened.unwrap_or_else(|error| Err(OpenError::Failed(error.into())));
        let sent = opened.and_then(|(file, metadata)| head::fit(file, &metadata, asked, head));
        sent.map_err(|error| match error {
            OpenError::Absent => SendfileError::Absent(text),
            OpenError::NotAFile => SendfileError::NotAFile(text),
            OpenError::Outside => SendfileError::Outside(text),
            OpenError::Unclear => SendfileError::Unclear(text),
            OpenError::Failed(source) => SendfileError::Unreadable { named: text, source },
        })
    }
}

impl SendfileError {
    /// The status that the buyer gets.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Absent(_) | Self::NotAFile(_) => StatusCode::NOT_FOUND,
            Self::Outside(_) | Self::Unclear(_) | Self::Unreadable { .. } => {
                StatusCode::BAD_GATEWAY
            }
        }
    }
}

impl Root {
    fn parse(value: &str) -> Result<Self, RootError> {
        let (prefix, directory) = match value.split_once('=') {
            Some((prefix, directory)) if prefix.starts_with('/') => (Some(prefix), directory),
            _ => (None, value),
        };
        let directory = PathBuf::from(directory);
        if !directory.is_absolute() {
            return Err(RootError::Relative(value.to_owned()));
        }
        open::check(&directory)
            .map_err(|source| RootError::Unusable { value: value.to_owned(), source })?;
        Ok(Self { prefix: prefix.map(PathBuf::from), directory })
    }
}

/// A directory with a comma or another character that no field may have is left out: Rack could not
/// tell it from two.
fn mapping(roots: &[Root]) -> Option<HeaderValue> {
    let pair = |root: &Root| {
        let prefix = root.prefix.as_ref()?.to_str()?;
        let directory = root.directory.to_str().filter(|it| !it.contains([',', '=']))?;
        Some(format!("{directory}={prefix}"))
    };
    let pairs: Vec<_> = roots.iter().filter_map(pair).collect();
    (!pairs.is_empty()).then(|| HeaderValue::try_from(pairs.join(",")).ok()).flatten()
}

/// What the monolith named.
#[derive(Debug)]
pub struct Named {
    /// As it was written, for the log.
    text: String,
    /// A file's path, or a URI's decoded path.
    path: PathBuf,
    is_uri: bool,
    is_one: bool,
}

impl Named {
    /// Takes both fields and whatever else is for nginx alone off an answer that names a file.
    pub fn take(headers: &mut HeaderMap) -> Option<Self> {
        let uris = headers.get_all(&X_ACCEL_REDIRECT).iter();
        let mut values = uris.chain(headers.get_all(&X_SENDFILE));
        let value = values.next()?.clone();
        let is_one = values.next().is_none();
        let is_uri = headers.contains_key(&X_ACCEL_REDIRECT);
        headers.remove(&X_SENDFILE);
        let for_nginx = headers.keys().filter(|it| it.as_str().starts_with("x-accel-"));
        for name in for_nginx.cloned().collect::<Vec<_>>() {
            headers.remove(name);
        }
        let path = if is_uri { decoded(value.as_bytes()) } else { value.as_bytes().to_vec() };
        Some(Self {
            text: String::from_utf8_lossy(value.as_bytes()).into_owned(),
            path: PathBuf::from(OsStr::from_bytes(&path)),
            is_uri,
            is_one,
        })
    }

    fn is_clear(&self) -> bool {
        self.is_one
            && self.path.is_absolute()
            && !self.path.as_os_str().as_bytes().contains(&0)
            && !self.path.components().any(|it| it == Component::ParentDir)
    }
}

/// The path of a URI as nginx reads it: up to `?`, percent-decoded once.
fn decoded(uri: &[u8]) -> Vec<u8> {
    let path = uri.split(|it| *it == b'?').next().unwrap_or_default();
    percent_decode(path).collect()
}

/// Opens what was named, from the directories that are meant for its kind of name.
fn open(roots: &[Root], named: &Named) -> Result<(File, Metadata), OpenError> {
    if !named.is_clear() {
        return Err(OpenError::Unclear);
    }
    if named.is_uri {
        return open_uri(roots, &named.path);
    }
    for root in roots.iter().filter(|it| it.prefix.is_none()) {
        let real = open::real_root(&root.directory)?;
        // Rails resolves symbolic links in its own root, so it may write either.
        if named.path.starts_with(&root.directory) || named.path.starts_with(&real) {
            match open::below(&real, &named.path) {
                // Directories may contain one another.
                Err(OpenError::Outside) => {}
                opened => return opened,
            }
        }
    }
    Err(OpenError::Outside)
}

/// The longest prefix decides, as among nginx's locations.
fn open_uri(roots: &[Root], path: &Path) -> Result<(File, Metadata), OpenError> {
    let below = |root: &Root| {
        let rest = path.strip_prefix(root.prefix.as_ref()?).ok()?;
        Some((rest.components().count(), root.directory.join(rest), root.directory.clone()))
    };
    let nearest = roots.iter().filter_map(below).min_by_key(|it| it.0);
    let (_, file, directory) = nearest.ok_or(OpenError::Outside)?;
    open::below(&open::real_root(&directory)?, &file)
}
