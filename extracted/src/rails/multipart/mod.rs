//! `multipart/form-data` as Rack reads it, piece by piece, with its files on disk.
//!
//! What browsers and HTTP libraries send is read; what Rack would make of anything else (a preamble,
//! names without quotes' ends, other charsets) is left to it. multer was considered: it gathers the
//! whole body in memory when the body comes faster than it is read, and reads names as browsers mean
//! them where Rack does not.
//!
//! Source: rack 2.2, `multipart/parser.rb` and `multipart.rb`.

mod boundary;
mod head;
#[cfg(test)]
mod tests;
mod upload;

use std::{
    io::{self, Write as _},
    mem,
    path::PathBuf,
};

use memchr::memmem::{self, Finder};
use tempfile::NamedTempFile;

use self::{boundary::Found, head::Head};
use super::params::{Builder, Node, Params, ParamsError};

pub use upload::Upload;

/// `multipart_file_limit`: the last of so many is refused.
const MAX_FILES: usize = 128;
/// `multipart_total_part_limit`: likewise.
const MAX_PARTS: usize = 4096;
/// `MIME_HEADER_BYTESIZE_LIMIT`: 64 KiB.
const MAX_HEAD: usize = 64 * 1024;
/// `BUFFERED_UPLOAD_BYTESIZE_LIMIT`: 16 MiB of heads and of what is no file.
const MAX_RETAINED: usize = 16 * 1024 * 1024;

/// A body that is being read.
#[derive(Debug)]
pub struct Multipart {
    /// `--` and the boundary.
    boundary: Finder<'static>,
    folder: PathBuf,
    /// Bytes of files that may still be written.
    disk: u64,
    state: State,
    /// What has come but could not be used yet: never more than a head or a boundary for long.
    waiting: Vec<u8>,
    /// How much of it is known not to have the end of a head.
    searched: usize,
    retained: usize,
    files: usize,
    parts: Vec<(Vec<u8>, Node)>,
    any: bool,
}

#[derive(Debug)]
enum State {
    /// Before the first boundary.
    Start,
    /// Behind a boundary and its line end.
    Head,
    Body(Part),
    /// Behind the last boundary: whatever comes means nothing.
    Done,
}

#[derive(Debug)]
struct Part {
    head: Head,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Text(Vec<u8>),
    File(NamedTempFile, u64),
}

/// The body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum MultipartError {
    /// The client's doing.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// Ours.
    #[error("an uploaded file could not be kept; make room in the folder for uploads")]
    Disk(#[source] io::Error),
}

fn unusual<T>(why: &'static str) -> Result<T, MultipartError> {
    Err(ParamsError::Unusual(why).into())
}

impl Multipart {
    /// Reads a body of this content type. Its files go to `folder`, and no more than `disk` bytes of
    /// them; each is removed when the last [`Upload`] of it is dropped.
    ///
    /// # Errors
    /// When the content type is not `multipart/form-data` with one boundary.
    pub fn new(content_type: &str, folder: PathBuf, disk: u64) -> Result<Self, ParamsError> {
        let boundary = format!("--{}", boundary::of(content_type)?);
        Ok(Self {
            boundary: Finder::new(&boundary).into_owned(),
            folder,
            disk,
            state: State::Start,
            waiting: Vec::new(),
            searched: 0,
            retained: 0,
            files: 0,
            parts: Vec::new(),
            any: false,
        })
    }

    /// Takes the next bytes. It writes to disk and so may wait for that.
    ///
    /// # Errors
    /// As soon as it is known that the body cannot be read: nothing more need be brought then.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), MultipartError> {
        /// What waits is moved up for each part: 4096 of them may come at once.
        const PIECE: usize = 16 * 1024;
        self.any |= !bytes.is_empty();
        for piece in bytes.chunks(PIECE) {
            self.waiting.extend_from_slice(piece);
            while self.step()? {}
        }
        Ok(())
    }

    /// The parameters, when the body has ended.
    ///
    /// # Errors
    /// When it ended early, or its names are in conflict with each other.
    pub fn finish(mut self) -> Result<Params, MultipartError> {
        // The last line need not end.
        if !matches!(self.state, State::Done) && self.any {
            self.write(b"\r\n")?;
        }
        if !matches!(self.state, State::Done) && self.any {
            return unusual("the multipart body ends early");
        }
        let mut builder = Builder::default();
        for (name, value) in self.parts {
            builder.add(&name, value)?;
        }
        Ok(builder.finish()?)
    }

    /// Whether something was done and there may be more to do.
    fn step(&mut self) -> Result<bool, MultipartError> {
        match &mut self.state {
            State::Start => self.start(),
            State::Head => self.head(),
            State::Body(_) => self.body(),
            State::Done => {
                self.waiting.clear();
                Ok(false)
            }
        }
    }

    fn start(&mut self) -> Result<bool, MultipartError> {
        let boundary = self.boundary.needle();
        let seen = self.waiting.len().min(boundary.len());
        if self.waiting[..seen] != boundary[..seen] {
            return unusual("the multipart body does not begin with its boundary");
        }
        if seen < boundary.len() {
            return Ok(false);
        }
        match boundary::after(&self.waiting[seen..]) {
            Found::Next => self.cut(seen + 2, State::Head),
            Found::Last => self.cut(seen + 4, State::Done),
            Found::Undecided => return Ok(false),
            Found::Nothing => return unusual("there is something behind a boundary"),
        }
        Ok(true)
    }

    /// Goes on behind the first bytes that wait.
    fn cut(&mut self, bytes: usize, next: State) {
        self.waiting.drain(..bytes);
        self.searched = 0;
        self.state = next;
    }

    fn head(&mut self) -> Result<bool, MultipartError> {
        let Some(end) = memmem::find(&self.waiting[self.searched..], b"\r\n\r\n") else {
            self.searched = self.waiting.len().saturating_sub(3);
            if self.waiting.len() > MAX_HEAD {
                return unusual("a part's head is long");
            }
            return Ok(false);
        };
        let end = end + self.searched;
        let head = Head::parse(&self.waiting[..end])?;
        self.retain(end + 2)?;
        let content = if head.filename.is_some() {
            self.files += 1;
            let file = tempfile::Builder::new().prefix("upload-").tempfile_in(&self.folder);
            Content::File(file.map_err(MultipartError::Disk)?, 0)
        } else {
            Content::Text(Vec::new())
        };
        if self.files >= MAX_FILES || self.parts.len() + 1 >= MAX_PARTS {
            return Err(ParamsError::Limit("the form has many parts").into());
        }
        self.cut(end + 4, State::Body(Part { head, content }));
        Ok(true)
    }

    fn body(&mut self) -> Result<bool, MultipartError> {
        let mut from = 0;
        while let Some(at) = self.boundary.find(&self.waiting[from..]).map(|it| it + from) {
            let behind = at + self.boundary.needle().len();
            let next = match boundary::after(&self.waiting[behind..]) {
                Found::Next => (behind + 2, State::Head),
                Found::Last => (behind + 4, State::Done),
                Found::Undecided => return self.keep(at.saturating_sub(2)).map(|()| false),
                Found::Nothing => {
                    if self.waiting[behind..].starts_with(b"--") {
                        return unusual("there is something behind the last boundary");
                    }
                    from = at + 1;
                    continue;
                }
            };
            let Some(content) = at.checked_sub(2).filter(|it| self.waiting[*it..at] == *b"\r\n")
            else {
                return unusual("a boundary stands within a line");
            };
            self.keep(content)?;
            self.end();
            self.cut(next.0 - content, next.1);
            return Ok(true);
        }
        let boundary = self.boundary.needle().len() + 4;
        let safe = self.waiting.len().saturating_sub(boundary);
        self.keep(safe).map(|()| false)
    }

    /// The first bytes that wait are content.
    fn keep(&mut self, bytes: usize) -> Result<(), MultipartError> {
        let State::Body(part) = &mut self.state else { return Ok(()) };
        let content = self.waiting.drain(..bytes);
        match &mut part.content {
            Content::Text(text) => {
                text.extend(content);
                self.retain(bytes)
            }
            Content::File(file, size) => {
                let bytes = bytes as u64;
                let Some(left) = self.disk.checked_sub(bytes) else {
                    return unusual("the uploads are large");
                };
                self.disk = left;
                *size += bytes;
                file.write_all(content.as_slice()).map_err(MultipartError::Disk)
            }
        }
    }

    fn retain(&mut self, bytes: usize) -> Result<(), MultipartError> {
        self.retained += bytes;
        if self.retained > MAX_RETAINED {
            return unusual("the form is long");
        }
        Ok(())
    }

    /// The part that was read is whole.
    fn end(&mut self) {
        let State::Body(Part { head, content }) = mem::replace(&mut self.state, State::Done) else {
            return;
        };
        let name = head.name.clone();
        let value = match content {
            Content::Text(text) => Node::Text(text),
            // No file was chosen: Rack gives no parameter at all.
            Content::File(..) if head.filename.as_deref() == Some("") => return,
            Content::File(file, size) => Node::File(Upload::new(head, file, size)),
        };
        self.parts.push((name, value));
    }
}
