//! What the values of a difference have in common, as it is kept: a JSON text in its row.

use sqlx::{Sqlite, Transaction};

use crate::suggestion::Forms;

/// Adds what further requests had to what is kept of a difference.
pub(super) async fn write(
    tx: &mut Transaction<'_, Sqlite>,
    difference: &str,
    forms: &Forms,
) -> Result<(), sqlx::Error> {
    if forms.is_empty() {
        return Ok(());
    }
    let kept: Option<String> = sqlx::query_scalar("SELECT forms FROM differences WHERE id = ?")
        .bind(difference)
        .fetch_one(&mut **tx)
        .await?;
    let mut all = read(kept.as_deref());
    all.add(forms.clone());
    let all = serde_json::to_string(&all).map_err(|it| sqlx::Error::Encode(it.into()))?;
    sqlx::query("UPDATE differences SET forms = ? WHERE id = ?")
        .bind(all)
        .bind(difference)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What is not there, or of another build, is as good as nothing: it only makes suggestions.
pub(super) fn read(kept: Option<&str>) -> Forms {
    kept.and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default()
}
