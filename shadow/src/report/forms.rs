//! What the values of a difference have in common, as it is kept: a JSON text in its row.

use crate::suggestion::Forms;

/// What is kept of a difference, and what further requests had.
pub(super) fn merged(kept: Option<&Option<String>>, seen: &Forms) -> Result<String, sqlx::Error> {
    let mut all = read(kept.and_then(Option::as_deref));
    all.add(seen.clone());
    serde_json::to_string(&all).map_err(|it| sqlx::Error::Encode(it.into()))
}

/// What is not there, or of another build, is as good as nothing: it only makes suggestions.
pub(super) fn read(kept: Option<&str>) -> Forms {
    kept.and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default()
}
