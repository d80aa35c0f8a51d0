//! The judge: both answers are compared, counted and reported.

pub mod compare;

mod binding;
mod book;
mod experiment;
mod judge;
mod metrics;
mod noise;
mod observation;
mod recheck;
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
    experiment::{Experiment, Leg, Question, Reading, RequestSummary},
    observation::Observation,
    report::{
        DifferenceReport, EarlierReport, Latency, Reports, RouteReport, RuleReport, Sample, Side,
        Store, StoreError, StratumReport,
    },
    runner::{Settings, Shadow, StartError},
    stratum::Stratum,
    subject::{Budget, Proof, Share, Subject},
    unknown::Unknown,
    verdict::{Evidence, State, Tally, Verdict, Watched},
};
