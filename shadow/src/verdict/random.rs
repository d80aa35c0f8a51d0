//! Randomness of the simulations.

/// Knuth's MMIX generator: a test's randomness must be the same everywhere and for ever.
pub(crate) struct Lcg(pub(crate) u64);

impl Lcg {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// A number's place among all of 64 bits: what a keyed hash is to a request. Steele, Lea and Flood's
/// `SplitMix64`, which is one to one.
pub(crate) const fn hash(number: u64) -> u64 {
    let it = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    it ^ (it >> 31)
}
