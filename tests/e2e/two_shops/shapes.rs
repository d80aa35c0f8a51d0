//! Columns whose values are random: their shape is compared, and who stands for whom is kept.

/// What a random value looks like.
#[derive(Debug)]
pub(super) struct Shape {
    table: &'static str,
    column: &'static str,
    /// So many characters in front are no chance, and equal on both sides.
    fixed: usize,
    /// So many follow.
    random: usize,
    is_digit: fn(char) -> bool,
}

const SHAPES: [Shape; 4] = [
    Shape {
        table: "active_storage_blobs",
        column: "key",
        fixed: 0,
        random: 28,
        is_digit: |it| it.is_ascii_digit() || it.is_ascii_lowercase(),
    },
    Shape {
        table: "orders",
        column: "number",
        fixed: "SO-20260102-".len(),
        random: 8,
        is_digit: |it| it.is_ascii_digit() || it.is_ascii_uppercase(),
    },
    Shape {
        table: "payments",
        column: "reference",
        fixed: "ch_".len(),
        random: 24,
        is_digit: |it| it.is_ascii_hexdigit() && !it.is_ascii_uppercase(),
    },
    Shape {
        table: "users",
        column: "password_digest",
        fixed: "$2a$12$".len(),
        random: 53,
        is_digit: |it| it.is_ascii_alphanumeric() || it == '.' || it == '/',
    },
];

/// Whether the two values are random there, and so may stand for each other.
pub(super) fn may_differ(table: &str, column: &str, left: &str, right: &str) -> bool {
    let shape = SHAPES.iter().find(|it| it.table == table && it.column == column);
    shape.is_some_and(|it| it.fits(left) && it.fits(right) && left[..it.fixed] == right[..it.fixed])
}

impl Shape {
    fn fits(&self, value: &str) -> bool {
        value.is_ascii()
            && value.len() == self.fixed + self.random
            && value[self.fixed..].chars().all(self.is_digit)
    }
}

#[test]
fn only_random_columns_may_differ_and_only_in_their_shape() {
    let orders = |left, right| may_differ("orders", "number", left, right);
    assert!(orders("SO-20260102-ABCDEFG1", "SO-20260102-ABCDEFG2"));
    assert!(!orders("SO-20260102-ABCDEFG1", "SO-20260102-abcdefg2"), "small letters");
    assert!(!orders("SO-20260102-ABCDEFG", "SO-20260102-ABCDEFG2"), "too short");
    assert!(!orders("XX-20260102-ABCDEFG1", "SO-20260102-ABCDEFG2"), "another beginning");
    assert!(!may_differ("orders", "currency", "SO-20260102-ABCDEFG1", "SO-20260102-ABCDEFG2"));
}
