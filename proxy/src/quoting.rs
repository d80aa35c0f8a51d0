//! What errors of others say in a log: some quote the row or the text that they fail at, and with it a
//! buyer's data.

use std::error::Error;

use sqlx::mysql::MySqlDatabaseError;

/// What is to be said of an error in place of its own words.
pub(crate) struct Instead {
    /// The words.
    pub(crate) text: String,
    /// Whether what caused it may be said: of an error that quotes, it quotes too.
    pub(crate) cause: bool,
}

/// `None` where the error's own words quote nothing.
pub(crate) fn instead(error: &(dyn Error + 'static)) -> Option<Instead> {
    if let Some(error) = error.downcast_ref::<sqlx::Error>() {
        return of_statement(error);
    }
    let error = error.downcast_ref::<serde_json::Error>()?;
    let (kind, line, column) = (error.classify(), error.line(), error.column());
    let text = format!("JSON that cannot be read ({kind:?}, line {line}, column {column})");
    Some(Instead { text, cause: false })
}

fn of_statement(error: &sqlx::Error) -> Option<Instead> {
    match error {
        sqlx::Error::Database(error) => {
            let error = error.try_downcast_ref::<MySqlDatabaseError>().filter(|it| quotes(it))?;
            let (number, state) = (error.number(), error.code().unwrap_or_default());
            let text = format!("the database answered error {number}, SQLSTATE {state}");
            Some(Instead { text, cause: false })
        }
        sqlx::Error::ColumnDecode { index, .. } => {
            Some(Instead { text: format!("the column {index} cannot be decoded"), cause: true })
        }
        sqlx::Error::Decode(_) => {
            Some(Instead { text: "a value cannot be decoded".to_owned(), cause: true })
        }
        sqlx::Error::Encode(_) => {
            Some(Instead { text: "a value cannot be encoded".to_owned(), cause: true })
        }
        _ => None,
    }
}

/// Of most errors MySQL and MariaDB quote a value, or the statement's end. Not of those of
/// connections (SQLSTATE 08), of who may connect (28), deadlocks (40), what was interrupted (70), of
/// tables and columns that are not there, of missing permissions and of waiting for a lock.
fn quotes(error: &MySqlDatabaseError) -> bool {
    let state = error.code().unwrap_or_default();
    let known = ["08", "28", "40", "70", "42S02", "42S22"].iter().any(|it| state.starts_with(it));
    !known && !matches!(error.number(), 1044 | 1142 | 1143 | 1205)
}

#[cfg(test)]
mod tests {
    use crate::error::Chain;

    #[test]
    fn a_value_that_json_quotes_is_not_said() {
        let error = serde_json::from_str::<u8>("\"buyer1@shop.test\"").unwrap_err();
        assert!(error.to_string().contains("buyer1"));
        let error = sqlx::Error::Decode(Box::new(error));
        assert_eq!(
            Chain(&error).to_string(),
            "a value cannot be decoded: JSON that cannot be read (Data, line 1, column 18)"
        );
    }

    #[test]
    fn what_quotes_nothing_is_said_as_it_is() {
        assert_eq!(
            Chain(&sqlx::Error::PoolTimedOut).to_string(),
            sqlx::Error::PoolTimedOut.to_string()
        );
    }
}
