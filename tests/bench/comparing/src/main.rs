//! Compares two JSON documents again and again, as the judge does, and prints what one comparison
//! takes: `{"found": DIFFERENCES, "seconds": [CPU TIME OF EACH ROUND]}`.
//!
//! usage: comparing CONTROL CANDIDATE SECONDS

use std::{env, error::Error, fs, io::Write as _, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use shadow::{
    Captured, Observation,
    compare::{Answers, Pair, Rules},
};
use time::macros::datetime;

// As in the program that is measured for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// However long one takes.
const ROUNDS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [control, candidate, seconds] = &arguments[..] else {
        return Err("usage: comparing CONTROL CANDIDATE SECONDS".into());
    };
    let [control, candidate] = [read(control)?, read(candidate)?];
    let limit: f64 = seconds.parse()?;
    let (begin, mut found, mut rounds) = (used(), 0, Vec::new());
    while rounds.len() < ROUNDS || used() - begin < limit {
        let before = used();
        found = differences(&control, &candidate)?;
        rounds.push(used() - before);
    }
    let figures = json!({ "found": found, "seconds": rounds });
    writeln!(std::io::stdout(), "{figures}")?;
    Ok(())
}

fn read(path: &str) -> Result<Observation, Box<dyn Error>> {
    let json = HeaderValue::from_static("application/json");
    Ok(Observation {
        status: StatusCode::OK,
        headers: HeaderMap::from_iter([(CONTENT_TYPE, json)]),
        // However long it is: the proxy keeps no more than 1 MiB.
        body: Captured::Whole(Bytes::from(fs::read(path)?)),
        trailers: HeaderMap::new(),
        took: Duration::ZERO,
    })
}

/// How many there are, from the documents' bytes on.
fn differences(control: &Observation, candidate: &Observation) -> Result<usize, Box<dyn Error>> {
    let pair = Pair::new(control.clone(), candidate.clone()).map_err(|it| it.to_string())?;
    let answers = Answers::read(&pair).map_err(|it| it.to_string())?;
    let rules = Rules::default();
    let comparison = answers.compare(&rules, datetime!(2026-11-29 12:00 UTC));
    Ok(comparison.critical + comparison.cosmetic)
}

/// Seconds of CPU time of this process so far: the machine may be shared.
fn used() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(now.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanoseconds).as_secs_f64()
}
