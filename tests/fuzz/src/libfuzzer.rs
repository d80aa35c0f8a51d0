//! The fuzzer: libFuzzer with one target, named by the last argument. `tests/fuzz/run` starts it.

#![no_main]

use std::sync::LazyLock;

use fuzz::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

/// libFuzzer calls a function that is given nothing but the input.
static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::args().next_back();
    let target = TARGETS.into_iter().find(|it| Some(it.name) == name.as_deref());
    target.unwrap_or_else(|| {
        panic!("the last argument must be a target: {:?}", TARGETS.map(|it| it.name))
    })
});

fuzz_target!(|input: &[u8]| (TARGET.check)(input));
