//! One experiment, from the queue to its outcome.
