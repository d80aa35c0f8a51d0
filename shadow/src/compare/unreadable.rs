//! Why a body is not read.

/// Why a body is not read as what its content type says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is something else.
    Malformed,
    /// It is nested too deeply, or there is too much in it.
    TooLarge,
}

impl From<Unreadable> for crate::Unknown {
    fn from(why: Unreadable) -> Self {
        match why {
            Unreadable::Malformed => Self::Unparsable,
            Unreadable::TooLarge => Self::TooLarge,
        }
    }
}
