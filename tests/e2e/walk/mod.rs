//! docs/extracting.md, followed: what it shows is in the tree, and what it says happens, in front of
//! the real shop.

mod document;
mod guide;
mod output;

use std::panic;

use extracted::notifications::api_list::API_LIST;
use tests::project;

use self::{document::blocks, guide::Guide};
use crate::two_shops::parity;

const DOCUMENT: &str = "docs/extracting.md";

#[test]
fn the_code_that_it_shows_is_in_the_tree() {
    let read = |path: &str| std::fs::read_to_string(project::root().join(path)).unwrap();
    let faults: Vec<_> = blocks(DOCUMENT).iter().filter_map(|it| it.fault(read)).collect();
    assert!(faults.is_empty(), "{DOCUMENT}:\n{}", faults.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_leads_from_a_rails_action_to_a_cut_over_route() {
    let mut guide = Guide::open(DOCUMENT).await;

    guide.expect_output("find").await;
    guide.expect("red", &refusal_of_parity_without_a_route());

    guide.write_routes("monolith");
    guide.expect_output("check").await;
    guide.start().await;
    guide.ask(10).await;
    guide.expect_output("still-rails").await;
    guide.expect_output_of_an_older_build("too-early").await;

    guide.edit_routes("shadow").await;
    guide.ask_until_different("$.notifications[*].age_seconds").await;
    guide.expect_output("differs").await;

    guide.write_routes("rule");
    guide.start().await;
    guide.ask_until_ready().await;
    guide.expect_output("ready").await;

    guide.edit_routes("extracted").await;
    guide.ask(10).await;
    guide.ask_what_is_declined().await;
    guide.expect_output("answers").await;
    guide.expect_output("fallbacks").await;

    let (by_rust, by_rails) =
        (guide.answers_of("extraction").await, guide.answers_of("monolith").await);
    guide.edit_routes("back").await;
    guide.ask(5).await;
    guide.expect_more_answers_of("monolith", by_rails + 4.0).await;
    assert!(guide.answers_of("extraction").await <= by_rust);

    guide.edit_routes("alone").await;
    guide.start_without_rails().await;
    guide.ask(5).await;
    guide.expect_more_answers_of("extraction", 4.0).await;

    guide.finish().await;
}

/// What the parity test of an extraction without a route says, as if it were this one's.
fn refusal_of_parity_without_a_route() -> String {
    let said = panic::catch_unwind(|| parity("nobody.has_it")).unwrap_err();
    let said = said.downcast_ref::<String>().unwrap();
    said.replace("nobody.has_it", API_LIST.id)
}
