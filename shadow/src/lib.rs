//! The judge: both answers are compared, counted and reported.

pub mod compare;

mod binding;
mod book;
mod captured;
mod experiment;
mod judge;
mod losses;
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
mod suggestion;
mod unknown;
mod verdict;
mod words;

pub use crate::{
    binding::MonolithVersion,
    captured::{Capture, Captured, Digest},
    compare::{Class, DifferenceKind, PathPattern},
    experiment::{Experiment, Leg, Question, Reading, Recheck, RequestSummary},
    observation::Observation,
    redact::method_name,
    report::{
        DifferenceReport, EarlierReport, Latency, Reports, Retention, RouteReport, RuleReport,
        Sample, Side, Store, StoreError, StratumReport,
    },
    runner::{OnMismatch, Prepare, Prepared, Settings, Shadow, StartError, yield_to_buyers},
    sensitive::is_personal,
    stratum::Stratum,
    subject::{Budget, Proof, Share, Subject},
    suggestion::Suggestion,
    unknown::Unknown,
    verdict::{Evidence, State, Tally, Verdict, Watched},
};
