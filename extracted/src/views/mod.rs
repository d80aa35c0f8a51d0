//! What several pages show.

pub(crate) mod helpers;
pub(crate) mod layout;
