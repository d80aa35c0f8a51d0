//! Forms and their fields.
//!
//! Source: actionview 6.1, `form_helper.rb`, `form_tag_helper.rb`, `url_helper.rb` (`button_to`) and
//! `tags/*.rb`.

use super::{Attributes, Html, content_tag, html, tag};

/// `form_with` and `form_tag`.
#[derive(Debug, Clone, Copy)]
pub struct Form<'a> {
    /// Where it goes.
    pub action: &'a str,
    /// `get`, `post`, `patch`, `put` or `delete`; browsers know the first two, the rest travel in
    /// `_method`.
    pub method: &'a str,
    /// Such as `class`.
    pub attributes: Attributes<'a>,
    /// Whether it has a file among its fields.
    pub multipart: bool,
    /// `enforce_utf8`, which Rails had on by default before 6.0.
    pub utf8: bool,
    /// The masked token for this action and method, or the global one; a `get` has none.
    pub token: &'a str,
}

impl<'a> Form<'a> {
    /// A form that posts.
    pub const fn post(action: &'a str, token: &'a str) -> Self {
        Self { action, method: "post", attributes: &[], multipart: false, utf8: false, token }
    }

    /// A form that asks.
    pub const fn get(action: &'a str) -> Self {
        let post = Self::post(action, "");
        Self { method: "get", ..post }
    }

    /// The form around its fields.
    pub fn with(&self, fields: &Html) -> Html {
        let mut attributes = self.attributes.to_vec();
        if self.multipart {
            attributes.push(("enctype", "multipart/form-data"));
        }
        let method = if self.method == "get" { "get" } else { "post" };
        attributes.extend([
            ("action", self.action),
            ("accept-charset", "UTF-8"),
            ("method", method),
        ]);
        let mut content = Html::default();
        if self.utf8 {
            // Not escaped: the check mark is written as an entity.
            content.push(&Html::trusted(
                "<input name=\"utf8\" type=\"hidden\" value=\"&#x2713;\" autocomplete=\"off\" />",
            ));
        }
        content.push(&method_tag(self.method));
        if method == "post" {
            content.push(&token_tag(self.token));
        }
        content.push(fields);
        content_tag("form", &attributes, &content)
    }
}

/// `button_to(text, action, method: method)`: a form of one button.
pub fn button_to(text: &str, action: &str, method: &str, token: &str) -> Html {
    let get = method == "get";
    let mut content = method_tag(method);
    content.push(&tag("input", &[("type", "submit"), ("value", text)]));
    if !get {
        content.push(&token_tag(token));
    }
    let method = if get { "get" } else { "post" };
    let attributes = [("class", "button_to"), ("method", method), ("action", action)];
    content_tag("form", &attributes, &content)
}

fn method_tag(method: &str) -> Html {
    match method {
        "get" | "post" => Html::default(),
        method => hidden("_method", method),
    }
}

fn token_tag(token: &str) -> Html {
    hidden("authenticity_token", token)
}

fn hidden(name: &str, value: &str) -> Html {
    let attributes =
        [("type", "hidden"), ("name", name), ("value", value), ("autocomplete", "off")];
    tag("input", &attributes)
}

/// `form.text_field` and its like.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    /// `text`, `number`, `email`, `password`, `search`, `hidden`, `file`.
    pub kind: &'a str,
    /// `quantity`, or with a model `user[name]`.
    pub name: &'a str,
    /// As the view has them, in its order; a `value` that the view names is among them.
    pub attributes: Attributes<'a>,
    /// What the model has; passwords and files are never shown again.
    pub value: Option<&'a str>,
    /// Whether it has an `id`; the view says `id: nil` otherwise.
    pub id: bool,
}

impl<'a> Field<'a> {
    /// A field with an id and nothing in it.
    pub const fn new(kind: &'a str, name: &'a str, attributes: Attributes<'a>) -> Self {
        Self { kind, name, attributes, value: None, id: true }
    }

    /// The element.
    pub fn tag(&self) -> Html {
        let mut attributes = self.attributes.to_vec();
        if self.kind == "hidden" {
            attributes.push(("autocomplete", "off"));
        }
        attributes.push(("type", self.kind));
        attributes.extend(self.value.map(|it| ("value", it)));
        attributes.push(("name", self.name));
        let id = id(self.name);
        if self.id {
            attributes.push(("id", &id));
        }
        tag("input", &attributes)
    }

    /// The element of a model that was found wrong in it.
    pub fn tag_with_error(&self) -> Html {
        content_tag("div", &[("class", "field_with_errors")], &self.tag())
    }
}

/// `sanitized_object_name` and the rest: `user[name]` is `user_name`.
fn id(name: &str) -> String {
    let kept = |it: char| it.is_ascii_alphanumeric() || "-:.".contains(it);
    name.chars().filter(|it| *it != ']').map(|it| if kept(it) { it } else { '_' }).collect()
}

/// `form.submit(text)`. `name` is `commit`, unless the view takes it away with `name: nil`.
pub fn submit(text: &str, name: Option<&str>, disabled: bool) -> Html {
    let mut attributes = vec![("type", "submit")];
    attributes.extend(name.map(|it| ("name", it)));
    attributes.push(("value", text));
    if disabled {
        attributes.push(("disabled", "disabled"));
    }
    attributes.push(("data-disable-with", text));
    tag("input", &attributes)
}

/// `form.select`.
#[derive(Debug, Clone, Copy)]
pub struct Select<'a> {
    /// The parameter.
    pub name: &'a str,
    /// Text and value of each.
    pub options: &'a [(&'a str, &'a str)],
    /// The value that is chosen.
    pub selected: Option<&'a str>,
    /// `include_blank`: the text of a first option without a value.
    pub blank: Option<&'a str>,
    /// As the view has them.
    pub attributes: Attributes<'a>,
}

impl Select<'_> {
    /// The element with its options.
    pub fn tag(&self) -> Html {
        let blank = self.blank.map(|text| html!("{}\n", option(text, "", false)));
        let options = self
            .options
            .iter()
            .map(|(text, value)| option(text, value, self.selected == Some(value)));
        let options: Vec<_> = options.map(|it| it.to_string()).collect();
        let options = html!("{}{}", blank, Html::trusted(options.join("\n")));
        let id = id(self.name);
        let attributes = [self.attributes, &[("name", self.name), ("id", &id)]].concat();
        content_tag("select", &attributes, &options)
    }
}

fn option(text: &str, value: &str, selected: bool) -> Html {
    let selected: Attributes<'_> = if selected { &[("selected", "selected")] } else { &[] };
    content_tag("option", &[selected, &[("value", value)]].concat(), &Html::text(text))
}
