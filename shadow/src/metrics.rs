//! What the judge counts: code says what happened, this file says which series moves.
