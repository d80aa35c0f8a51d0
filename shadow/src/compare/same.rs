//! Bodies that are the same byte for byte. They differ in nothing, but the ids in them stand for
//! themselves, which other answers must not contradict.

use super::{
    Captured, Element, Ids, Observation,
    charset::Charset,
    collector::Collector,
    document::Walk,
    encoding,
    format::Format,
    headers::Nonces,
    json::{Document, parse},
    lines,
    markup::{self, Page},
    path::{Path, Root},
    rule::Excuses,
};

/// Adds the ids in the body that both answers have. None are in a body that was not kept, or is not
/// what its headers say. `is_encoded` if its content encoding is still on it.
pub(super) fn with_ids(
    observation: &Observation,
    is_encoded: bool,
    excuses: Excuses<'_>,
    ids: Ids,
) -> Ids {
    let format = Format::of(&observation.headers);
    let Captured::Whole(body) = &observation.body else { return ids };
    let Some(root) = root(format).filter(|it| excuses.look_closely(*it)) else { return ids };
    let plain =
        if is_encoded { encoding::decode(&observation.headers, body) } else { Ok(body.clone()) };
    let Ok(body) = plain else { return ids };
    match format {
        Format::Json => of_document(root, parse(&body).ok(), excuses, ids),
        Format::Csv => of_document(root, lines::csv(&body).ok(), excuses, ids),
        Format::Form => of_document(root, lines::form(&body).ok(), excuses, ids),
        Format::Text => of_document(root, lines::text(&body).ok(), excuses, ids),
        Format::Xml => {
            let said = Charset::of(&observation.headers);
            of_element(markup::parse_xml(said, &body).ok(), excuses, ids)
        }
        Format::Html => {
            let text = Charset::read_page(&observation.headers, &body);
            let Some(page) = text.and_then(|it| Page::parse(&it).ok()) else { return ids };
            of_element(page.element(Nonces::of(&observation.headers)).ok(), excuses, ids)
        }
        Format::Bytes => ids,
    }
}

/// What the places in such a body start from.
const fn root(format: Format) -> Option<Root> {
    match format {
        Format::Json => Some(Root::Document),
        Format::Html | Format::Xml => Some(Root::Markup),
        Format::Csv | Format::Form | Format::Text => Some(Root::Body),
        Format::Bytes => None,
    }
}

fn of_document(root: Root, document: Option<Document<'_>>, excuses: Excuses<'_>, ids: Ids) -> Ids {
    let Some(document) = document else { return ids };
    let mut collector = Collector::of_ids(excuses, ids);
    Walk::new(&mut collector, Path::at(root)).values(document.root(), document.root());
    collector.into_ids().0
}

fn of_element(element: Option<Element<'_>>, excuses: Excuses<'_>, ids: Ids) -> Ids {
    let Some(element) = element else { return ids };
    let mut collector = Collector::of_ids(excuses, ids);
    markup::compare(&element, &element, &mut collector);
    collector.into_ids().0
}
