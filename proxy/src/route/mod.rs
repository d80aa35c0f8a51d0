//! The route table decides who answers: routes.toml → [`RouteTable`] → [`Route`].
//!
//! Invariant: a file with an error changes nothing, and says everything that is wrong with it.

mod candidate;
mod check;
mod compile;
mod diagnostic;
mod guards;
mod load;
mod maintenance;
mod methods;
mod notices;
mod pattern;
mod policy;
mod reader;
mod record;
mod reload;
mod rules;
mod sample;
mod table;
mod upstream;
mod upstreams;
mod values;

pub(crate) use self::reload::read;
pub use self::{
    check::{Checked, check},
    compile::{Compiled, Compiler},
    diagnostic::{At, Diagnostic, Faults, Severity},
    load::LoadError,
    maintenance::{Maintenance, Stop},
    methods::Methods,
    pattern::PathPattern,
    reload::{CommandLine, Rejected, Routes, Status},
    table::{Candidate, Plan, Route, RouteId, RouteTable, UNROUTED},
    values::{Percent, bytes, span},
};
