//! The judge from end to end: experiments are offered, reports are read from a store on disk.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bench;
mod counting;
mod kinds;
mod queue;
mod races;
mod stored;
mod verdicts;
