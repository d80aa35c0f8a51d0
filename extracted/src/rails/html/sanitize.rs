//! `sanitize`, of the markup that people really write: a few plain elements, well nested.
//!
//! Source: rails-html-sanitizer 1.4 (`sanitizer.rb`, `scrubbers.rb`), loofah 2.19, and what libxml2
//! made of texts (`tests/vectors/sanitize.json`).

use super::Html;

/// `sanitize(text, tags: tags)`. `None` where only libxml2 can tell what a text means: other elements,
/// attributes, what is not well nested, named or numbered characters, and characters that may not
/// stand in a page.
pub fn sanitize(text: &str, tags: &[&str]) -> Option<Html> {
    let mut clean = String::with_capacity(text.len());
    let mut open = Vec::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        rest = match character {
            '<' if after.starts_with(begins_markup) => {
                let (tag, after) = after.split_once('>')?;
                match tag.strip_prefix('/') {
                    Some(name) => (open.pop() == Some(name)).then_some(())?,
                    None => open.push(*tags.iter().find(|it| **it == tag)?),
                }
                clean.extend(["<", tag, ">"]);
                after
            }
            '&' => {
                let (written, after) = reference(after)?;
                clean.push_str(written);
                after
            }
            '<' => pushed(&mut clean, "&lt;", after),
            '>' => pushed(&mut clean, "&gt;", after),
            character if is_plain(character) => {
                clean.push(character);
                after
            }
            _ => return None,
        };
    }
    open.is_empty().then(|| Html::trusted(clean))
}

fn pushed<'a>(clean: &mut String, written: &str, after: &'a str) -> &'a str {
    clean.push_str(written);
    after
}

/// Of what follows a `<`; before anything else it is a character like others.
fn begins_markup(next: char) -> bool {
    next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?')
}

/// How a `&` and perhaps what follows it is written, and what comes then.
fn reference(after: &str) -> Option<(&'static str, &str)> {
    for (name, written) in
        [("amp;", "&amp;"), ("lt;", "&lt;"), ("gt;", "&gt;"), ("quot;", "\""), ("apos;", "'")]
    {
        if let Some(rest) = after.strip_prefix(name) {
            return Some((written, rest));
        }
    }
    let in_name = |it: char| it.is_alphanumeric() || "._-:".contains(it);
    let end = after.trim_start_matches(in_name);
    // A name that no `;` ends is none.
    let named = after.starts_with('#') || (end.len() < after.len() && end.starts_with(';'));
    (!named).then_some(("&amp;", after))
}

/// Whether libxml2 takes it for a character, and leaves it as it is.
fn is_plain(character: char) -> bool {
    match character {
        '\t' | '\n' => true,
        '\0'..' ' => false,
        other => u32::from(other) & 0xFFFE != 0xFFFE,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const TAGS: [&str; 2] = ["b", "i"];

    fn vectors(group: &str) -> Vec<(String, String)> {
        let text = include_str!("../../../tests/vectors/sanitize.json");
        let file: Value = serde_json::from_str(text).unwrap();
        let pairs = file[group].as_array().unwrap().iter();
        pairs.map(|it| [0, 1].map(|at| it[at].as_str().unwrap().to_owned()).into()).collect()
    }

    #[test]
    fn what_people_write_is_cleaned_as_libxml2_does() {
        let vectors = vectors("written");
        assert!(vectors.len() > 20);
        for (text, clean) in vectors {
            let found = sanitize(&text, &TAGS);
            assert_eq!(found.as_ref().map(Html::as_str), Some(&*clean), "{text:?}");
        }
    }

    #[test]
    fn what_is_odd_is_left_to_libxml2() {
        let vectors = vectors("odd");
        assert!(vectors.len() > 20);
        for (text, _) in vectors {
            assert_eq!(sanitize(&text, &TAGS), None, "{text:?}");
        }
    }

    #[test]
    fn of_random_texts_what_is_cleaned_is_what_libxml2_makes_of_them() {
        let vectors = vectors("random");
        let mut cleaned = 0;
        for (text, clean) in &vectors {
            if let Some(found) = sanitize(text, &TAGS) {
                assert_eq!(found.as_str(), clean, "{text:?}");
                cleaned += 1;
            }
        }
        assert!(cleaned > vectors.len() / 4, "{cleaned}");
    }

    proptest! {
        #[test]
        fn nothing_that_is_let_through_is_an_element_of_another_kind(text in "[<>/!&;# a-c\"'=é]*") {
            if let Some(clean) = sanitize(&text, &TAGS) {
                let mut bare = clean.as_str().to_owned();
                for tag in ["<b>", "</b>", "<i>", "</i>"] {
                    bare = bare.replace(tag, "");
                }
                prop_assert!(!bare.contains(['<', '>']), "{bare:?}");
            }
        }
    }
}
