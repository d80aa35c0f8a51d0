//! Columns that stand for something else: enums, and the `type` of single-table inheritance.
//!
//! Source: activerecord 6.1, `enum.rb` and `inheritance.rb`.

/// `enum status: { pending: 0, confirmed: 1 }`: names and what the column holds for them.
#[derive(Debug, Clone, Copy)]
pub struct Enum(pub &'static [(&'static str, i64)]);

/// The classes that may be in a table's `type`, without the base class.
#[derive(Debug, Clone, Copy)]
pub struct Inheritance(pub &'static [&'static str]);

/// `SubclassNotFound`: the row is of a class that this handler does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a row's type is not one that is known here; let the monolith answer")]
pub struct NotOfThisKind;

impl Enum {
    /// What the column holds for a name; `None` where Ruby would raise `ArgumentError`.
    pub fn value(self, name: &str) -> Option<i64> {
        self.0.iter().find(|it| it.0 == name).map(|it| it.1)
    }

    /// The name of what the column holds; Ruby sees nil where it has none.
    pub fn name(self, value: i64) -> Option<&'static str> {
        self.0.iter().find(|it| it.1 == value).map(|it| it.0)
    }
}

impl Inheritance {
    /// The class of a row, by its `type`.
    ///
    /// # Errors
    /// When it is none of these, on which Ruby would raise.
    pub fn class(self, kind: &str) -> Result<&'static str, NotOfThisKind> {
        self.0.iter().find(|it| **it == kind).copied().ok_or(NotOfThisKind)
    }
}
