//! What was found, kept and told: the store that is written, and the reports that are read.

mod reports;
mod store;

pub use self::{
    reports::{DifferenceReport, Latency, Reports, RouteReport, Sample, Side},
    store::{Store, StoreError},
};
