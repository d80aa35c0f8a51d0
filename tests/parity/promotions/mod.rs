//! Codes that take something off a cart.

mod api_apply;
mod apply;

use crate::two_shops::Scenario;

/// Codes of every kind.
const CODES: [&str; 12] = [
    "WELCOME10",
    " welcome10 ",
    "FIVER",
    "FIVER",
    "3for2",
    "EXPIRED",
    "AUTO-BULK",
    "USEDUP",
    "LATER",
    "nonsense",
    "",
    "ﬁver",
];

/// Promotions in states that the seeds do not have.
fn with_promotions(scenario: Scenario) -> Scenario {
    scenario
        .given(
            "INSERT IGNORE INTO promotions (type, code, name, percent, usage_limit, used_count, created_at, updated_at) \
             VALUES ('PercentPromotion', 'USEDUP', 'Used up', 5, 3, 3, NOW(6), NOW(6))",
        )
        .given(
            "INSERT IGNORE INTO promotions (type, code, name, percent, starts_at, created_at, updated_at) \
             VALUES ('PercentPromotion', 'LATER', 'Later', 5, '2099-01-01', NOW(6), NOW(6))",
        )
}
