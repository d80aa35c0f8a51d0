//! Routes that an upstream of their own answers.
