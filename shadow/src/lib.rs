//! The judge: both answers are compared, counted and reported.

pub mod compare;

mod book;
mod experiment;
mod metrics;
mod observation;
mod redact;
mod report;
mod runner;
mod sensitive;
mod subject;
mod unknown;
mod verdict;

pub use crate::{
    compare::{Class, DifferenceKind, PathPattern},
    experiment::{Experiment, Leg, RequestSummary},
    observation::Observation,
    report::{
        DifferenceReport, Latency, Reports, RouteReport, RuleReport, Sample, Side, Store,
        StoreError,
    },
    runner::{Settings, Shadow, StartError},
    subject::{Budget, Share, Subject},
    unknown::Unknown,
    verdict::Verdict,
};
