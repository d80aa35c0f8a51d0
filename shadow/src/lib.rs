//! The judge: both answers are compared, counted and reported.

pub mod compare;

mod binding;
mod book;
mod experiment;
mod metrics;
mod noise;
mod observation;
mod redact;
mod report;
mod runner;
mod sensitive;
mod stratum;
mod subject;
mod unknown;
mod verdict;
mod words;

pub use crate::{
    binding::MonolithVersion,
    compare::{Class, DifferenceKind, PathPattern},
    experiment::{Experiment, Leg, Reading, RequestSummary},
    observation::Observation,
    redact::holds_values,
    report::{
        DifferenceReport, EarlierReport, Latency, Reports, RouteReport, RuleReport, Sample, Side,
        Store, StoreError, StratumReport,
    },
    runner::{OnMismatch, Settings, Shadow, StartError},
    stratum::Stratum,
    subject::{Budget, Proof, Share, Subject},
    unknown::Unknown,
    verdict::{Evidence, State, Tally, Verdict, Watched},
};
