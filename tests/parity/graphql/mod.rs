//! The shop as a graph.

mod execute;
