//! What an action makes of a parameter. Kinds that no form and no client of ours sends are declined.
//!
//! Source: activerecord 6.1, `core.rb` (`find`); activemodel 6.1, `type/integer.rb`.

use crate::{
    contract::HandlerError,
    rails::{params::Param, record::integer, string::to_i},
};

const ODD: HandlerError = HandlerError::Declined("a parameter is of a kind that is not read here");

/// `params[:id]` as `find` reads it; `None` where no row can have it.
pub(crate) fn id(param: Option<&Param>) -> Result<Option<i64>, HandlerError> {
    match param {
        None | Some(Param::Nil) => Ok(None),
        // What is out of range is in no row.
        Some(Param::Text(text)) => Ok(integer(text, 8).ok().flatten()),
        Some(Param::Number(number)) => number.as_i64().map(Some).ok_or(ODD),
        Some(_) => Err(ODD),
    }
}

/// `(params[:count].presence || 1).to_i`; a number of more than 64 bits saturates.
pub(crate) fn count(param: Option<&Param>) -> Result<i64, HandlerError> {
    match param {
        None => Ok(1),
        Some(param) if param.is_blank() => Ok(1),
        Some(Param::Text(text)) => Ok(to_i(text)),
        Some(Param::Number(number)) => number.as_i64().ok_or(ODD),
        Some(_) => Err(ODD),
    }
}

/// `params[:text].to_s`
pub(crate) fn text(param: Option<&Param>) -> Result<String, HandlerError> {
    match param {
        None | Some(Param::Nil) => Ok(String::new()),
        Some(Param::Text(text)) => Ok(text.clone()),
        Some(Param::Number(number)) if !number.is_f64() => Ok(number.to_string()),
        Some(_) => Err(ODD),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(text: &str) -> Param {
        Param::Text(text.to_owned())
    }

    #[test]
    fn an_id_is_read_as_find_reads_it() {
        for (given, read) in [
            ("7", Some(7)),
            (" 7abc", Some(7)),
            ("abc", Some(0)),
            ("", None),
            (" ", None),
            ("9223372036854775808", None),
        ] {
            assert_eq!(id(Some(&text_of(given))).unwrap(), read, "{given:?}");
        }
        assert_eq!(id(None).unwrap(), None);
        assert_eq!(id(Some(&Param::Nil)).unwrap(), None);
        assert_eq!(id(Some(&Param::Number(7.into()))).unwrap(), Some(7));
        assert!(id(Some(&Param::Bool(true))).is_err());
        assert!(id(Some(&Param::Array(vec![text_of("7")]))).is_err());
    }

    #[test]
    fn a_count_is_one_where_none_is_given() {
        for (given, read) in [("", 1), (" ", 1), ("0", 0), ("abc", 0), ("-2", -2), ("3.9", 3)] {
            assert_eq!(count(Some(&text_of(given))).unwrap(), read, "{given:?}");
        }
        assert_eq!(count(None).unwrap(), 1);
        assert_eq!(count(Some(&Param::Bool(false))).unwrap(), 1);
        assert_eq!(count(Some(&Param::Number(4.into()))).unwrap(), 4);
        assert!(count(Some(&Param::Bool(true))).is_err(), "true.to_i raises");
    }

    #[test]
    fn a_text_may_be_a_number() {
        assert_eq!(text(Some(&text_of(" a "))).unwrap(), " a ");
        assert_eq!(text(Some(&Param::Number(10.into()))).unwrap(), "10");
        assert_eq!(text(None).unwrap(), "");
        assert!(text(Some(&Param::Hash(crate::rails::params::Params::default()))).is_err());
    }
}
