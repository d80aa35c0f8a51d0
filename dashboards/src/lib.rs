//! Pages over shadow's reports, for people.
