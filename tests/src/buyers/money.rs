//! Amounts as the shop writes them, as whole cents.

use serde_json::Value;

use crate::browser::Complaint;

/// `"19.9"` → 1990.
pub(super) fn cents(amount: &Value) -> Result<i64, Complaint> {
    let wrong = || Complaint(format!("{amount} is no amount of money"));
    let text = amount.as_str().ok_or_else(wrong)?;
    let (whole, fraction) = text.split_once('.').ok_or_else(wrong)?;
    if fraction.len() > 2 {
        return Err(wrong());
    }
    format!("{whole}{fraction:0<2}").parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_amount_is_a_string_with_one_or_two_digits_after_the_point() {
        assert_eq!(cents(&json!("19.9")).unwrap(), 1990);
        assert_eq!(cents(&json!("0.05")).unwrap(), 5);
        for wrong in [json!(19.9), json!("19"), json!("1.999"), json!(null), json!("x.y")] {
            assert!(cents(&wrong).is_err(), "{wrong}");
        }
    }
}
