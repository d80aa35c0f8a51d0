//! The judge: both answers are compared, counted and reported.

pub mod compare;

mod binding;
mod book;
mod captured;
mod experiment;
mod handle;
mod judge;
mod losses;
mod metrics;
mod noise;
mod observation;
mod race;
mod recheck;
mod redact;
mod report;
mod runner;
mod sampling;
mod seen;
mod sensitive;
mod stratum;
mod subject;
mod suggestion;
mod ticket;
mod under_way;
mod unknown;
mod verdict;
pub mod words;

pub use crate::{
    binding::MonolithVersion,
    captured::{Capture, Captured, Digest},
    compare::{Class, DifferenceKind, PathPattern},
    experiment::{Around, Experiment, Leg, Question, Reading, Recheck, RequestSummary},
    handle::{OnMismatch, Prepare, Prepared, Settings, Shadow, StartError, yield_to_buyers},
    noise::noise_of_one,
    observation::Observation,
    redact::{method_name, printable_path},
    report::{
        DifferenceReport, EarlierReport, Latency, Reports, Retention, RouteReport, RuleReport,
        Sample, Side, Store, StoreError, StratumReport,
    },
    sampling::Sampling,
    sensitive::is_personal,
    stratum::Stratum,
    subject::{Budget, Proof, Share, Subject},
    suggestion::Suggestion,
    unknown::Unknown,
    verdict::{Coverage, Evidence, KindEvidence, NoiseTally, State, Tally, Verdict, Watched},
};
