//! HTTP/1.1 messages as a strict reader sees them: what is not exactly right is a fault.

/// Where a message's body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Empty,
    Length(usize),
    Chunked,
    /// When the connection is closed: answers only.
    UntilClose,
}

/// A request or an answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    /// The request line or the status line.
    pub(crate) first_line: String,
    /// Names in lower case, in order.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, String)>,
}

impl Message {
    /// Reads a head, `bytes` being all of it with its empty line.
    pub(crate) fn head(bytes: &[u8]) -> Result<Self, String> {
        // One character for each byte: nothing is lost.
        let text: String = bytes.iter().copied().map(char::from).collect();
        let (first_line, lines) = text.split_once("\r\n").ok_or("a head without a line")?;
        let fields = fields(lines)?;
        Ok(Self { first_line: first_line.to_owned(), fields, ..Self::default() })
    }

    /// The value of the only field of that name.
    pub(crate) fn get<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let mut values = self.all(name);
        let value = values.next();
        assert!(values.next().is_none(), "several {name}: {:?}", self.fields);
        value
    }

    /// The values of all fields of that name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |it| it.0 == name).map(|it| it.1.as_str())
    }

    /// Whether a list such as `Connection` contains that word.
    pub(crate) fn lists(&self, name: &str, word: &str) -> bool {
        self.all(name).flat_map(|it| it.split(',')).any(|it| it.trim().eq_ignore_ascii_case(word))
    }

    /// A request's target.
    pub(crate) fn target(&self) -> &str {
        self.first_line.split(' ').nth(1).unwrap_or_default()
    }

    /// An answer's status; 0 for what is none.
    pub(crate) fn status(&self) -> u16 {
        self.first_line.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// How a request is framed.
    pub(crate) fn request_framing(&self) -> Result<Framing, String> {
        Ok(self.stated()?.unwrap_or(Framing::Empty))
    }

    /// How the answer to a request with `method` is framed.
    pub(crate) fn answer_framing(&self, method: &str) -> Result<Framing, String> {
        let stated = self.stated()?;
        let bodiless = method == "HEAD" || matches!(self.status(), 100..=199 | 204 | 304);
        Ok(if bodiless { Framing::Empty } else { stated.unwrap_or(Framing::UntilClose) })
    }

    fn stated(&self) -> Result<Option<Framing>, String> {
        let lengths: Vec<_> = self.all("content-length").collect();
        let codings: Vec<_> = self.all("transfer-encoding").collect();
        match (&lengths[..], &codings[..]) {
            ([], []) => Ok(None),
            ([], ["chunked"]) => Ok(Some(Framing::Chunked)),
            ([digits], []) if digits.bytes().all(|it| it.is_ascii_digit()) => {
                let length = digits.parse().map_err(|_| format!("Content-Length {digits:?}"))?;
                Ok(Some(Framing::Length(length)))
            }
            _ => Err(format!("framed by Content-Length {lengths:?}, coding {codings:?}")),
        }
    }
}

/// Reads field lines up to the empty line that ends them.
pub(crate) fn fields(lines: &str) -> Result<Vec<(String, String)>, String> {
    let lines = lines.strip_suffix("\r\n").ok_or("a head without its empty line")?;
    let mut fields = Vec::new();
    for line in lines.split_terminator("\r\n") {
        let (name, value) = line.split_once(':').ok_or_else(|| format!("no field: {line:?}"))?;
        if name.is_empty() || name.contains([' ', '\t']) || value.contains(['\r', '\n', '\0']) {
            return Err(format!("a malformed field: {line:?}"));
        }
        fields.push((name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned()));
    }
    Ok(fields)
}
