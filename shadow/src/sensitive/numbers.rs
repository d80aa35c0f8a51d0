//! Numbers that are somebody's: of a telephone, a card, a bank account.

/// A telephone number, a card's or an account's, with the signs between that people write.
pub(super) fn has_long_number(value: &str) -> bool {
    let joins = |it: char| matches!(it, ' ' | '-' | '.' | '/' | '(' | ')' | '+');
    let mut runs = value.split(|it: char| !(it.is_ascii_digit() || joins(it)));
    runs.any(is_dialled_or_paid_with) || has_iban(value)
}

/// Some digits in a run, and whether they stand as the beginning of a number: after a `+`, after a
/// blank or at the very beginning.
struct Group<'a> {
    digits: &'a str,
    plus: bool,
    first: bool,
    /// A point and more digits follow: it may be a decimal.
    point: bool,
}

fn groups(run: &str) -> Vec<Group<'_>> {
    let mut groups = Vec::new();
    let mut end = 0;
    while let Some(at) = run[end..].find(|it: char| it.is_ascii_digit()).map(|it| end + it) {
        let length = run[at..].bytes().take_while(u8::is_ascii_digit).count();
        let before = &run[end..at];
        let first = groups.is_empty() || before.contains([' ', '(', '+']);
        end = at + length;
        let point = run[end..].starts_with('.');
        groups.push(Group { digits: &run[at..end], plus: before.ends_with('+'), first, point });
    }
    groups
}

fn is_dialled_or_paid_with(run: &str) -> bool {
    if run.bytes().filter(u8::is_ascii_digit).count() < 7 {
        return false;
    }
    let groups = groups(run);
    (0..groups.len()).any(|from| is_telephone(&groups[from..]) || is_card(&groups[from..]))
}

/// Seven digits or more after a `+` or a zero, or ten as North America writes them.
fn is_telephone(groups: &[Group<'_>]) -> bool {
    let [group, more @ ..] = groups else { return false };
    let lengths = || groups.iter().map(|it| it.digits.len());
    // What is to be dialled is shorter than that, and so is what is looked at for each group.
    let digits: usize = lengths().take(8).sum();
    let zero =
        group.first && group.digits.starts_with('0') && !(group.digits == "0" && group.point);
    let american =
        |groups: &[Group<'_>]| groups.iter().map(|it| it.digits.len()).take(3).eq([3, 3, 4]);
    ((group.plus || zero) && digits >= 7)
        || (group.first && american(groups))
        || (group.first && group.digits == "1" && american(more))
}

/// 13 to 19 digits that keep Luhn's sum (ISO/IEC 7812-1, annex B), from one sign between digits to
/// another.
fn is_card(groups: &[Group<'_>]) -> bool {
    let mut digits = Vec::new();
    for group in groups {
        if digits.len() + group.digits.len() > 19 {
            return false;
        }
        digits.extend(group.digits.bytes().map(|it| it - b'0'));
        if digits.len() >= 13 && keeps_luhn(&digits) {
            return true;
        }
    }
    false
}

fn keeps_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => 2 * digit - 9,
            (_, digit) => 2 * digit,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The shortest and the longest that any country has.
const IBAN: std::ops::RangeInclusive<usize> = 15..=34;

/// Two letters, two digits, and what makes the whole 1 modulo 97 (ISO 13616).
fn has_iban(value: &str) -> bool {
    let bytes = value.as_bytes();
    let begins = |at: &usize| {
        let at = *at;
        let head = bytes.get(at..at + 4);
        let before = at.checked_sub(1).map(|it| bytes[it]);
        head.is_some_and(|it| {
            it[..2].iter().all(u8::is_ascii_uppercase) && it[2..].iter().all(u8::is_ascii_digit)
        }) && before.is_none_or(|it| !it.is_ascii_alphanumeric())
    };
    (0..bytes.len()).filter(begins).any(|at| {
        let mut signs = Vec::new();
        for it in bytes[at..].iter().filter(|it| **it != b' ').take(*IBAN.end()) {
            if !it.is_ascii_uppercase() && !it.is_ascii_digit() {
                break;
            }
            signs.push(*it);
            if IBAN.contains(&signs.len()) && keeps_97(&signs) {
                return true;
            }
        }
        false
    })
}

fn keeps_97(signs: &[u8]) -> bool {
    let (head, rest) = signs.split_at(4);
    let rest = rest.iter().chain(head).fold(0_u32, |rest, it| match it {
        b'0'..=b'9' => (rest * 10 + u32::from(it - b'0')) % 97,
        _ => (rest * 100 + u32::from(it - b'A') + 10) % 97,
    });
    rest == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_people_are_found_among_other_numbers() {
        for value in [
            "4242424242424242",
            "item 12 4242 4242 4242 4242 x",
            "378282246310005",
            "5500-0000-0000-0004",
            "+49 (30) 901820",
            "12 +49 30 901820",
            "12 030 9018-2000",
            "(555) 123-4567",
            "1-555-123-4567",
            "0049 30 901820",
            "DE89 3704 0044 0532 0130 00",
            "to GB82WEST12345698765432.",
        ] {
            assert!(has_long_number(value), "{value}");
        }
    }

    #[test]
    fn what_a_shop_counts_and_prices_is_none() {
        for value in [
            "19.90",
            "0.12345678",
            "12345678",
            "2026-11-29T03:04:05.123Z",
            "40 × 20 cm",
            "4242424242424243",
            "1.234.567,00",
            "DE89 3704 1044 5320 1301 11",
            "131.0.0.0",
        ] {
            assert!(!has_long_number(value), "{value}");
        }
    }
}
