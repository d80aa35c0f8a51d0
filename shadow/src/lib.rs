//! The judge: both answers are compared, counted and reported.
