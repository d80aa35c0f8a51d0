//! Names with brackets, as Rack makes arrays and hashes of them.
//!
//! Source: rack 2.2, `query_parser.rb` (`parse_nested_query`, `normalize_params`).

use indexmap::IndexMap;

use super::{super::multipart::Upload, Param, Params, ParamsError};

/// `BYTESIZE_LIMIT`: 4 MiB.
const MAX_BYTES: usize = 4_194_304;
/// `PARAMS_LIMIT`.
const MAX_PARAMS: usize = 4096;
/// `param_depth_limit`.
const MAX_DEPTH: usize = 100;
/// `key_space_limit`: the characters of all names within one hash.
const MAX_KEY_SPACE: usize = 65_536;

const TOO_DEEP: ParamsError = ParamsError::Limit("parameters are nested too deeply");

/// Parameters being put together, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Builder(Branch);

/// A value that is not finished: text may still be replaced, so it need not be UTF-8 yet.
#[derive(Debug)]
pub(crate) enum Node {
    Nil,
    Text(Vec<u8>),
    File(Upload),
    Array(Vec<Node>),
    Hash(Branch),
}

#[derive(Debug, Default)]
pub(crate) struct Branch {
    key_space: usize,
    nodes: IndexMap<String, Node>,
}

/// The pairs of `raw`, separated by any of `separators` and blanks behind it.
pub(super) fn parse(raw: &[u8], separators: &[u8]) -> Result<Params, ParamsError> {
    if raw.len() > MAX_BYTES {
        return Err(ParamsError::Limit("the parameters are long"));
    }
    if raw.iter().filter(|it| separators.contains(it)).count() >= MAX_PARAMS {
        return Err(ParamsError::Limit("there are many parameters"));
    }
    let mut builder = Builder::default();
    for (index, pair) in raw.split(|it| separators.contains(it)).enumerate() {
        let blanks = if index == 0 { 0 } else { pair.iter().take_while(|it| **it == b' ').count() };
        let pair = &pair[blanks..];
        let (name, value) = match pair.iter().position(|it| *it == b'=') {
            Some(at) => (&pair[..at], Node::Text(unescape(&pair[at + 1..])?)),
            None => (pair, Node::Nil),
        };
        builder.add(&unescape(name)?, value)?;
    }
    builder.finish()
}

impl Builder {
    /// Adds a parameter by its decoded name.
    ///
    /// # Errors
    /// When the name is not UTF-8, is in conflict with an earlier one, or exceeds a limit.
    pub(crate) fn add(&mut self, name: &[u8], value: Node) -> Result<(), ParamsError> {
        let name = str::from_utf8(name)
            .map_err(|_| ParamsError::Malformed("a parameter's name is not UTF-8"))?;
        // Rack's patterns look at lines.
        if name.contains('\n') && name.contains('[') {
            return Err(ParamsError::Unusual("a nested parameter's name has a line end"));
        }
        normalize(&mut self.0, name, value, MAX_DEPTH).map(drop)
    }

    /// # Errors
    /// When a text that is left is not UTF-8.
    pub(crate) fn finish(self) -> Result<Params, ParamsError> {
        finished(self.0)
    }
}

/// What `normalize_params` returns beside changing its first argument, which its callers put in that
/// hash's place.
enum Returned {
    /// The hash itself.
    Hash,
    Nil,
    /// `Array(value)`, for a name that is `[]`.
    Array(Node),
}

fn normalize(
    params: &mut Branch,
    name: &str,
    value: Node,
    depth: usize,
) -> Result<Returned, ParamsError> {
    if depth == 0 {
        return Err(TOO_DEEP);
    }
    let brackets = ['[', ']'];
    let start = name.trim_start_matches(brackets);
    let (key, rest) = start.split_at(start.find(brackets).unwrap_or(start.len()));
    let after = rest.trim_start_matches(']');
    if key.is_empty() {
        return match value {
            Node::Nil => Ok(Returned::Nil),
            _ if name != "[]" => Ok(Returned::Nil),
            Node::File(_) => Err(ParamsError::Unusual("a file's name is nothing but brackets")),
            value => Ok(Returned::Array(value)),
        };
    }
    match after {
        "" => params.insert(key, value)?,
        "[" => params.insert(name, value)?,
        "[]" => params.array(key)?.push(value),
        _ => match after.strip_prefix("[]") {
            Some(rest) => grouped(params.array(key)?, child_key(rest), value, depth)?,
            None => nested(params, key, after, value, depth)?,
        },
    }
    Ok(Returned::Hash)
}

/// `name[][key]`: into the last hash, or a new one when that has such a key already.
fn grouped(
    array: &mut Vec<Node>,
    child: &str,
    value: Node,
    depth: usize,
) -> Result<(), ParamsError> {
    if let Some(Node::Hash(last)) = array.last_mut()
        && !last.has_key(child)
    {
        normalize(last, child, value, depth - 1)?;
        return Ok(());
    }
    let mut branch = Branch::default();
    array.push(match normalize(&mut branch, child, value, depth - 1)? {
        Returned::Hash => Node::Hash(branch),
        Returned::Nil => Node::Nil,
        Returned::Array(value) => Node::Array(vec![value]),
    });
    Ok(())
}

/// `name[key]`.
fn nested(
    params: &mut Branch,
    key: &str,
    after: &str,
    value: Node,
    depth: usize,
) -> Result<(), ParamsError> {
    let returned = normalize(params.hash(key)?, after, value, depth - 1)?;
    match returned {
        Returned::Hash => Ok(()),
        Returned::Nil => params.insert(key, Node::Nil),
        Returned::Array(value) => params.insert(key, Node::Array(vec![value])),
    }
}

/// The `key` of `[key]`, when that is all; else the whole.
fn child_key(rest: &str) -> &str {
    let inner = rest.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    inner.filter(|it| !it.is_empty() && !it.contains(['[', ']'])).unwrap_or(rest)
}

impl Branch {
    fn insert(&mut self, key: &str, value: Node) -> Result<(), ParamsError> {
        if let Some(node) = self.nodes.get_mut(key) {
            *node = value;
            return Ok(());
        }
        self.key_space += key.chars().count();
        if self.key_space > MAX_KEY_SPACE {
            return Err(ParamsError::Limit("the parameters' names are long"));
        }
        self.nodes.insert(key.to_owned(), value);
        Ok(())
    }

    /// `params[key] ||= make`, which must be of the kind that `cast` looks for.
    fn entry<'a, T>(
        &'a mut self,
        key: &str,
        make: Node,
        cast: impl FnOnce(&'a mut Node) -> Option<&'a mut T>,
    ) -> Result<&'a mut T, ParamsError> {
        if matches!(self.nodes.get(key), None | Some(Node::Nil)) {
            self.insert(key, make)?;
        }
        let node = self.nodes.get_mut(key).and_then(cast);
        node.ok_or(ParamsError::Malformed("a parameter is of two kinds"))
    }

    fn array(&mut self, key: &str) -> Result<&mut Vec<Node>, ParamsError> {
        self.entry(key, Node::Array(Vec::new()), |it| match it {
            Node::Array(nodes) => Some(nodes),
            _ => None,
        })
    }

    fn hash(&mut self, key: &str) -> Result<&mut Self, ParamsError> {
        self.entry(key, Node::Hash(Self::default()), |it| match it {
            Node::Hash(branch) => Some(branch),
            _ => None,
        })
    }

    /// `params_hash_has_key?`
    fn has_key(&self, key: &str) -> bool {
        if key.contains("[]") {
            return false;
        }
        let mut place = Some(self);
        for part in key.split(['[', ']']).filter(|it| !it.is_empty()) {
            let Some(node) = place.and_then(|it| it.nodes.get(part)) else { return false };
            place = match node {
                Node::Hash(branch) => Some(branch),
                _ => None,
            };
        }
        true
    }
}

/// Without the `nil`s in arrays, and all of it UTF-8.
fn finished(branch: Branch) -> Result<Params, ParamsError> {
    branch.nodes.into_iter().map(|(name, node)| Ok((name, value(node)?))).collect()
}

fn value(node: Node) -> Result<Param, ParamsError> {
    Ok(match node {
        Node::Nil => Param::Nil,
        Node::Text(bytes) => Param::Text(
            String::from_utf8(bytes)
                .map_err(|_| ParamsError::Malformed("a parameter is not UTF-8"))?,
        ),
        Node::File(upload) => Param::File(upload),
        Node::Array(nodes) => {
            let kept = nodes.into_iter().filter(|it| !matches!(it, Node::Nil));
            Param::Array(kept.map(value).collect::<Result<_, _>>()?)
        }
        Node::Hash(branch) => Param::Hash(finished(branch)?),
    })
}

/// `URI.decode_www_form_component`
fn unescape(raw: &[u8]) -> Result<Vec<u8>, ParamsError> {
    const MALFORMED: ParamsError = ParamsError::Malformed("a parameter's percent-encoding");
    let digit =
        |it: Option<&u8>| char::from(*it?).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw.iter();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                high.ok_or(MALFORMED)? << 4 | low.ok_or(MALFORMED)?
            }
            other => *other,
        });
    }
    Ok(decoded)
}
