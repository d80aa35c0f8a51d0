//! Which methods a route is for.

use std::fmt;

use http::Method;

/// The methods that a route can name, in the order in which they are shown.
const NAMES: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A set of methods. One that has GET has HEAD, since Rails answers HEAD with the GET action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Methods(u8);

impl Methods {
    /// Every method, also those that cannot be named.
    pub const ANY: Self = Self(u8::MAX);
    const NONE: Self = Self(0);

    /// The set of the named methods.
    ///
    /// # Errors
    /// What a method must be.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut set = Self::NONE;
        for name in names {
            let place = NAMES
                .iter()
                .position(|it| *it == name)
                .ok_or_else(|| format!("must be one of {}", NAMES.join(", ")))?;
            set.0 |= 1 << place;
            if name == "GET" {
                set = Self(set.0 | 1 << 1);
            }
        }
        Ok(set)
    }

    /// Whether a request with `method` is meant.
    pub fn contains(self, method: &Method) -> bool {
        let place = NAMES.iter().position(|it| *it == method.as_str());
        self == Self::ANY || place.is_some_and(|place| self.0 & 1 << place != 0)
    }

    /// The methods by name, without the HEAD that goes with GET; none for [`Methods::ANY`].
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let has = move |place: usize| self != Self::ANY && self.0 & 1 << place != 0;
        let shown = (0..NAMES.len()).filter(move |place| has(*place) && (*place != 1 || !has(0)));
        shown.map(|place| NAMES[place])
    }

    /// Whether both sets have a method in common.
    pub const fn overlaps(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether no method of the set changes anything (GET and HEAD).
    pub const fn is_safe(self) -> bool {
        self.0 & !0b11 == 0
    }
}

impl fmt::Display for Methods {
    /// `GET, POST`, or `any`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ANY {
            return f.write_str("any");
        }
        f.write_str(&self.names().collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn get_brings_head_and_any_has_everything() {
        let get = Methods::parse(["GET"]).unwrap();
        assert!(get.contains(&Method::GET) && get.contains(&Method::HEAD));
        assert!(!get.contains(&Method::POST));
        assert!(Methods::ANY.contains(&Method::TRACE));
        assert_eq!(get.to_string(), "GET");
        assert_eq!(Methods::parse(["PATCH", "POST"]).unwrap().to_string(), "POST, PATCH");
        assert_eq!(Methods::parse(["HEAD"]).unwrap().to_string(), "HEAD");
        assert!(Methods::parse(["get"]).is_err());
    }

    #[test]
    fn only_get_and_head_are_safe() {
        assert!(Methods::parse(["GET", "HEAD"]).unwrap().is_safe());
        assert!(!Methods::parse(["GET", "POST"]).unwrap().is_safe());
        assert!(!Methods::ANY.is_safe());
    }
}
