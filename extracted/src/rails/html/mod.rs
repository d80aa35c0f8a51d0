//! Markup as Action View's helpers write it.
//!
//! Source: actionview 6.1, `helpers/*.rb`, and what they wrote (`tests/vectors/html.json`). With the
//! settings of `config.load_defaults 6.1`.

mod form;
mod number;
mod sanitize;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;

pub use form::{Field, Form, Select, button_to, submit};
pub use number::{number_to_currency, number_with_precision, pluralize};
pub use sanitize::sanitize;
pub use words::{distance_of_time_in_words, time_tag};

/// Markup that may stand in a page as it is: Ruby's `ActiveSupport::SafeBuffer`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html(String);

/// The attributes of an element, in order, with plain values. One without a value (`disabled`) has its
/// own name for that.
pub type Attributes<'a> = &'a [(&'a str, &'a str)];

impl Html {
    /// `html_escape`: a text, with what could be markup in it made harmless.
    pub fn text(text: &str) -> Self {
        Self(escape(text))
    }

    /// `html_safe`: markup that was made by whoever calls this.
    pub fn trusted(markup: impl Into<String>) -> Self {
        Self(markup.into())
    }

    /// The markup.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Appends markup.
    pub fn push(&mut self, markup: &Self) {
        self.0.push_str(&markup.0);
    }
}

/// What a template may show: text, which is escaped, and markup, which is not.
pub trait Shown {
    /// Appends it as it stands in a page.
    fn show(&self, page: &mut fmt::Formatter<'_>) -> fmt::Result;
}

/// A piece of a template: see `html!`.
#[derive(Debug)]
pub struct Piece<'a, T: ?Sized>(pub &'a T);

impl<T: Shown + ?Sized> fmt::Display for Piece<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show(formatter)
    }
}

impl Shown for Html {
    fn show(&self, page: &mut fmt::Formatter<'_>) -> fmt::Result {
        page.write_str(&self.0)
    }
}

impl Shown for str {
    fn show(&self, page: &mut fmt::Formatter<'_>) -> fmt::Result {
        page.write_str(&escape(self))
    }
}

impl Shown for String {
    fn show(&self, page: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().show(page)
    }
}

impl<T: Shown + ?Sized> Shown for &T {
    fn show(&self, page: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).show(page)
    }
}

impl<T: Shown> Shown for Option<T> {
    fn show(&self, page: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().map_or(Ok(()), |it| it.show(page))
    }
}

macro_rules! numbers_are_shown {
    ($($number:ty)*) => {$(
        impl Shown for $number {
            fn show(&self, page: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, page)
            }
        }
    )*};
}

numbers_are_shown!(i32 i64 u64 usize);

/// A template: a literal of trusted markup, whose `{}` stand for [`Shown`] values. Text among them is
/// escaped, as ERB's `<%= %>` does.
macro_rules! html {
    ($template:literal $(, $value:expr)* $(,)?) => {
        $crate::rails::html::Html::trusted(
            format!($template $(, $crate::rails::html::Piece(&$value))*)
        )
    };
}
pub(crate) use html;

impl fmt::Display for Html {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromIterator<Self> for Html {
    fn from_iter<I: IntoIterator<Item = Self>>(pieces: I) -> Self {
        Self(pieces.into_iter().map(|it| it.0).collect())
    }
}

/// `ERB::Util.html_escape`
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// `tag("input", …)`: an element without content.
pub fn tag(name: &str, attributes: Attributes<'_>) -> Html {
    Html(format!("<{name}{} />", written(attributes)))
}

/// `content_tag("li", …)`
pub fn content_tag(name: &str, attributes: Attributes<'_>, content: &Html) -> Html {
    Html(format!("<{name}{}>{content}</{name}>", written(attributes)))
}

/// `link_to(text, url, …)`
pub fn link_to(text: &str, url: &str, attributes: Attributes<'_>) -> Html {
    let attributes = [attributes, &[("href", url)]].concat();
    content_tag("a", &attributes, &Html::text(text))
}

/// `csrf_meta_tags`, with the global token, masked.
pub fn csrf_meta_tags(token: &str) -> Html {
    let param = tag("meta", &[("name", "csrf-param"), ("content", "authenticity_token")]);
    let token = tag("meta", &[("name", "csrf-token"), ("content", token)]);
    Html(format!("{param}\n{token}"))
}

/// `csp_meta_tag`, with the nonce that the header names too.
pub fn csp_meta_tag(nonce: &str) -> Html {
    tag("meta", &[("name", "csp-nonce"), ("content", nonce)])
}

fn written(attributes: Attributes<'_>) -> String {
    let mut text = String::new();
    for (name, value) in attributes {
        text.extend([" ", name, "=\"", &escape(value), "\""]);
    }
    text
}
