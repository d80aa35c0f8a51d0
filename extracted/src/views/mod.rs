//! What several pages show.

pub(crate) mod layout;
