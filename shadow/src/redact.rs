//! What a sample may show of a buyer's data.
