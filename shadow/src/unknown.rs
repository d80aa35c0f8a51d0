//! Why a request could not be compared.

use std::fmt;

use serde::Serialize;

/// Why a request could not be compared. Never read as a match: too many unknowns are not ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// The judge had no room for it, or was stopped first.
    Dropped,
    /// A side did not answer before the experiment's deadline.
    TimedOut,
    /// A side panicked.
    Panicked,
    /// The candidate answered with an error of its own, not with a response; or, a service, not at all.
    Failed,
    /// The control could not be asked, or broke off.
    ControlFailed,
    /// The candidate does not reproduce this kind of request, and said so.
    Declined,
    /// A body was longer than what is kept for a comparison or than its encoding may make it, too deep or
    /// too intricate, or had too much in it.
    TooLarge,
    /// The buyer left before the control's answer had passed whole.
    ClientGone,
    /// A body is not in its content encoding, or in one that is not known; or the control's is not
    /// what its content type says, of XML where the candidate's is.
    Unparsable,
    /// What was asked about changed between the two answers: the side that was first, asked again,
    /// said what the other one had said.
    Raced,
}

impl Unknown {
    /// Every reason, in the order of declaration.
    pub const ALL: [Self; 10] = [
        Self::Dropped,
        Self::TimedOut,
        Self::Panicked,
        Self::Failed,
        Self::ControlFailed,
        Self::Declined,
        Self::TooLarge,
        Self::ClientGone,
        Self::Unparsable,
        Self::Raced,
    ];

    /// The value of the `reason` label and the key in every report.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::TimedOut => "timed_out",
            Self::Panicked => "panicked",
            Self::Failed => "failed",
            Self::ControlFailed => "control_failed",
            Self::Declined => "declined",
            Self::TooLarge => "too_large",
            Self::ClientGone => "client_gone",
            Self::Unparsable => "unparsable",
            Self::Raced => "raced",
        }
    }

    /// Whether it keeps a route from being ready. What the extraction declines does not: the buyer gets
    /// the monolith's own answer then, whoever else answers.
    pub const fn counts(self) -> bool {
        !matches!(self, Self::Declined)
    }

    /// The reason with this label.
    pub fn parse(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.label() == label)
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_serialized_as_its_label() {
        for reason in Unknown::ALL {
            let json = serde_json::to_value(reason).unwrap();
            assert_eq!(json, reason.label());
            assert_eq!(Unknown::parse(reason.label()), Some(reason));
        }
    }
}
