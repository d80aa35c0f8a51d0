//! `params`: what Rails makes of a request's query, body and path.
//!
//! Source: actionpack 6.1, `http/parameters.rb`, `http/request.rb` and `request/utils.rb`; rack 2.2,
//! `query_parser.rb`. What Rails answers to what it cannot read was asked of it: see
//! `tests/vectors/params.json`.

mod json;
mod method;
mod nested;
#[cfg(test)]
mod tests;

use http::StatusCode;
use indexmap::IndexMap;
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::Number;

pub use method::method_override;
pub(crate) use nested::{Builder, Node};

use super::multipart::Upload;

/// Parameters by name, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Params(IndexMap<String, Param>);

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Param {
    /// `nil`: a name without `=`, or `null`.
    Nil,
    /// Only in JSON.
    Bool(bool),
    /// Only in JSON.
    Number(Number),
    /// Text.
    Text(String),
    /// An uploaded file: only in `multipart/form-data`.
    File(Upload),
    /// `name[]`. It holds no `nil`: Rails removes them from arrays, lest `where(id: params[:id])` ask
    /// for `NULL`.
    Array(Vec<Param>),
    /// `name[key]`.
    Hash(Params),
}

/// The request's parameters are not to be had. Whichever it is, the monolith can still be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// `ActionController::BadRequest` or `ParseError`, which Rails answers with 400.
    #[error("Rails answers 400: {0}; the client must send it otherwise")]
    Malformed(&'static str),
    /// `Rack::QueryParser::QueryLimitError`, which Rails 6.1 does not expect and answers with 500.
    #[error("Rails answers 500: {0}; the client must send less")]
    Limit(&'static str),
    /// Ruby reads it in a way that is not reproduced here.
    #[error("only Rails can tell what this means: {0}; let the monolith answer")]
    Unusual(&'static str),
}

impl ParamsError {
    /// The status of Rails' answer, where that is known.
    pub fn status(self) -> Option<StatusCode> {
        match self {
            Self::Malformed(_) => Some(StatusCode::BAD_REQUEST),
            Self::Limit(_) => Some(StatusCode::INTERNAL_SERVER_ERROR),
            Self::Unusual(_) => None,
        }
    }
}

impl Params {
    /// `query_parameters`: the query's raw bytes, without `?`.
    ///
    /// # Errors
    /// [`ParamsError`] where Rails refuses the query.
    pub fn from_query(raw: &str) -> Result<Self, ParamsError> {
        nested::parse(raw.as_bytes(), b"&;")
    }

    /// `request_parameters` of `application/x-www-form-urlencoded`, which a POST without a content
    /// type is taken for too.
    ///
    /// # Errors
    /// [`ParamsError`] where Rails refuses the body.
    pub fn from_form(body: &[u8]) -> Result<Self, ParamsError> {
        // Rack: "Fix for Safari Ajax postings that always append \0".
        nested::parse(body.strip_suffix(b"\0").unwrap_or(body), b"&")
    }

    /// `request_parameters` of `application/json`; what is not an object stands under `_json`.
    ///
    /// # Errors
    /// [`ParamsError`] where Rails refuses the body, or where Ruby reads more than JSON: comments,
    /// integers beyond 64 bits, unknown escapes.
    pub fn from_json(body: &[u8]) -> Result<Self, ParamsError> {
        json::parse(body)
    }

    /// `params`: of the body, the query and the path, in which the later win, but stand where the
    /// earlier stood.
    #[must_use]
    pub fn merged(body: Self, query: Self, path: &[(String, String)]) -> Self {
        let mut all = body;
        all.0.extend(query.0);
        all.0.extend(path.iter().map(|(name, value)| (name.clone(), Param::Text(value.clone()))));
        all
    }

    /// What `wrap_parameters` adds for JSON requests: a copy of the body's parameters under the
    /// controller's name, unless there is something of that name. `attributes` are the model's, when
    /// there is one, in the order of `attribute_names`; without, everything but the form's own fields
    /// is wrapped.
    ///
    /// Source: actionpack 6.1, `metal/params_wrapper.rb`.
    pub fn wrap(&mut self, body: &Self, name: &str, attributes: Option<&[&str]>) {
        const EXCLUDED: [&str; 3] = ["authenticity_token", "_method", "utf8"];
        if self.0.contains_key(name) {
            return;
        }
        let copy = |it: (&String, &Param)| (it.0.clone(), it.1.clone());
        let wrapped: IndexMap<_, _> = match attributes {
            Some(names) => {
                names.iter().filter_map(|it| body.0.get_key_value(*it)).map(copy).collect()
            }
            None => {
                body.0.iter().filter(|it| !EXCLUDED.contains(&it.0.as_str())).map(copy).collect()
            }
        };
        self.0.insert(name.to_owned(), Param::Hash(Self(wrapped)));
    }

    /// `params[name]`; `None` where Ruby sees nil because there is no such parameter.
    pub fn get(&self, name: &str) -> Option<&Param> {
        self.0.get(name)
    }

    /// The value when it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Param::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The value of a parameter that an action uses as text: `None` where there is none, or nil.
    ///
    /// # Errors
    /// [`ParamsError::Unusual`] for what is not text, of which Ruby makes something all the same.
    pub fn plain(&self, name: &str) -> Result<Option<&str>, ParamsError> {
        match self.get(name) {
            None | Some(Param::Nil) => Ok(None),
            Some(Param::Text(text)) => Ok(Some(text)),
            Some(_) => Err(ParamsError::Unusual("a parameter is not text")),
        }
    }

    /// The value when it is a hash.
    pub fn hash(&self, name: &str) -> Option<&Self> {
        match self.get(name) {
            Some(Param::Hash(params)) => Some(params),
            _ => None,
        }
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Param)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `params.require(name)`, as far as a hash is wanted.
    ///
    /// # Errors
    /// [`ParamsError::Malformed`] when it is missing or blank (`ParameterMissing`), and
    /// [`ParamsError::Unusual`] when it is something else, on which the action would go on.
    pub fn require(&self, name: &str) -> Result<&Self, ParamsError> {
        match self.get(name) {
            Some(Param::Hash(params)) if !params.is_empty() => Ok(params),
            Some(value) if !value.is_blank() => {
                Err(ParamsError::Unusual("a required parameter is not a hash"))
            }
            _ => Err(ParamsError::Malformed("a required parameter is missing")),
        }
    }

    /// `params.permit(*names)`: those of these names that hold one value, in the order of the names.
    #[must_use]
    pub fn permit(&self, names: &[&str]) -> Self {
        let scalar = |it: &&Param| !matches!(it, Param::Array(_) | Param::Hash(_));
        let permitted = names.iter().filter_map(|name| {
            let value = self.get(name).filter(scalar)?;
            Some(((*name).to_owned(), value.clone()))
        });
        Self(permitted.collect())
    }
}

impl Param {
    /// `blank?`: nil, false, nothing, or only white space.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Nil | Self::Bool(false) => true,
            Self::Bool(true) | Self::Number(_) | Self::File(_) => false,
            Self::Text(text) => text.trim().is_empty(),
            Self::Array(values) => values.is_empty(),
            Self::Hash(params) => params.is_empty(),
        }
    }
}

impl Serialize for Params {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A file as its name: its content is nobody's to print.
impl Serialize for Param {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nil => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(value) => value.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::File(upload) => upload.original_filename.serialize(serializer),
            Self::Array(values) => values.serialize(serializer),
            Self::Hash(params) => params.serialize(serializer),
        }
    }
}

impl FromIterator<(String, Param)> for Params {
    fn from_iter<I: IntoIterator<Item = (String, Param)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}
