//! How far a replay has come, on a terminal.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use super::tally::Tally;

/// How often the line is written anew.
const INTERVAL: Duration = Duration::from_millis(100);

/// Characters of the bar.
const WIDTH: usize = 30;

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
        let is_shown = io::stderr().is_terminal();
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
            let _ = write!(io::stderr().lock(), "\r\x1b[K{line}");
        }
    }

    /// Leaves the line clear for what is printed now.
    pub(super) fn end(&self) {
        if self.is_shown {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }

    fn line(&self, different: u64, unknown: u64, elapsed: Duration) -> String {
        let filled = WIDTH * self.done / self.total.max(1);
        let bar = format!("{}{}", "#".repeat(filled), ".".repeat(WIDTH - filled.min(WIDTH)));
        let fresh = u32::try_from(self.done - self.before).unwrap_or(u32::MAX).max(1);
        let left = u32::try_from(self.total - self.done.min(self.total)).unwrap_or(u32::MAX);
        let left = (elapsed / fresh).saturating_mul(left).as_secs();
        let (done, total) = (self.done, self.total);
        let time = format!("{}:{:02} left", left / 60, left % 60);
        format!("[{bar}] {done}/{total}, {different} different, {unknown} unknown, {time}")
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
        let bar = "#".repeat(15) + &".".repeat(15);
        assert_eq!(line, format!("[{bar}] 100/200, 2 different, 1 unknown, 1:40 left"));
        assert!(Progress::new(0, 0).line(0, 0, Duration::ZERO).contains("0/0"));
    }
}
