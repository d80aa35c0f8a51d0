//! How far a replay has come, on a terminal.

use std::{
    env,
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use super::tally::Tally;

/// How often the line is written anew.
const INTERVAL: Duration = Duration::from_millis(100);

/// Characters of the bar.
const WIDTH: usize = 20;

/// To the begin of a line that is empty, where what is too long is cut and not wrapped: only so can
/// it be written over.
const CLEAR: &str = "\r\x1b[K\x1b[?7l";

/// What is written from now on is wrapped again.
const WRAP: &str = "\x1b[?7h";

/// A line on standard error that is written over and over, where that is a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    is_shown: bool,
    total: usize,
    /// Replayed before an interruption.
    before: usize,
    done: usize,
    began: Instant,
    drawn: Instant,
}

impl Progress {
    pub(super) fn new(total: usize, done: usize) -> Self {
        let now = Instant::now();
        // A CI may have a terminal, and keeps all that is written to it.
        let is_kept =
            env::var_os("CI").is_some() || env::var_os("TERM").is_some_and(|it| it == "dumb");
        let is_shown = io::stderr().is_terminal() && !is_kept;
        Self { is_shown, total, before: done, done, began: now, drawn: now }
    }

    pub(super) const fn done(&self) -> usize {
        self.done
    }

    pub(super) fn step(&mut self, tally: &Tally) {
        self.done += 1;
        if self.is_shown && self.drawn.elapsed() >= INTERVAL {
            self.drawn = Instant::now();
            let (_, different, unknown) = tally.totals();
            let line = self.line(different, unknown, self.began.elapsed());
            // Nobody is to fail for want of a line about it.
            let _ = write!(io::stderr().lock(), "{CLEAR}{line}{WRAP}");
        }
    }

    /// Leaves the line clear for what is printed now.
    pub(super) fn end(&self) {
        if self.is_shown {
            let _ = write!(io::stderr().lock(), "{CLEAR}{WRAP}");
        }
    }

    fn line(&self, different: u64, unknown: u64, elapsed: Duration) -> String {
        let filled = WIDTH * self.done / self.total.max(1);
        let bar = format!("{}{}", "#".repeat(filled), ".".repeat(WIDTH - filled.min(WIDTH)));
        let fresh = u32::try_from(self.done - self.before).unwrap_or(u32::MAX).max(1);
        let left = u32::try_from(self.total - self.done.min(self.total)).unwrap_or(u32::MAX);
        let left = (elapsed / fresh).saturating_mul(left).as_secs();
        let (done, total) = (self.done, self.total);
        let pace = f64::from(fresh) / elapsed.as_secs_f64().max(0.001);
        let time = format!("{}:{:02} left", left / 60, left % 60);
        format!(
            "[{bar}] {done}/{total}, {different} different, {unknown} unknown, {pace:.0}/s, {time}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_much_is_done_and_how_long_the_rest_takes() {
        let mut progress = Progress::new(200, 20);
        progress.done = 100;
        let line = progress.line(2, 1, Duration::from_secs(80));
        let bar = "#".repeat(10) + &".".repeat(10);
        assert_eq!(line, format!("[{bar}] 100/200, 2 different, 1 unknown, 1/s, 1:40 left"));
        assert!(Progress::new(0, 0).line(0, 0, Duration::ZERO).contains("0/0"));
    }
}
