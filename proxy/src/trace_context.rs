//! The trace that a request belongs to: `traceparent`, W3C Trace Context levels 1 and 2.

use http::{HeaderMap, HeaderName, HeaderValue};

/// `00-TRACE_ID-SPAN_ID-FLAGS`, in lower-case hexadecimal.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// What each vendor notes of a trace. It belongs to the `traceparent` that it came with.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Somebody records this trace.
const SAMPLED: u8 = 0b01;
/// The trace's id is random, so its bytes may be compared with a rate (level 2).
const RANDOM: u8 = 0b10;
/// The length of version 00 in bytes.
const LENGTH: usize = 55;

/// One span of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// Never all zeros.
    trace_id: [u8; 16],
    /// Never all zeros.
    span_id: [u8; 8],
    /// [`SAMPLED`] and [`RANDOM`]; others mean nothing yet and must be zero when passed on.
    flags: u8,
}

impl TraceContext {
    /// A new trace and its first span.
    pub fn new(sampled: bool) -> Self {
        let flags = if sampled { SAMPLED | RANDOM } else { RANDOM };
        Self { trace_id: random(), span_id: random(), flags }
    }

    /// The span that a trusted hop sent the request from, as it stays in the request.
    ///
    /// Otherwise `traceparent` is removed, and `tracestate` with it: each means nothing without the
    /// other's trace.
    pub fn incoming(headers: &mut HeaderMap, trusted: bool) -> Option<Self> {
        let mut values = headers.get_all(&TRACEPARENT).iter();
        let only = values.next().filter(|_| trusted && values.next().is_none());
        let found = only.and_then(Self::parse);
        if found.is_none() {
            headers.remove(&TRACEPARENT);
            headers.remove(&TRACESTATE);
        }
        found
    }

    /// Reads a `traceparent`; `None` when it is not valid, and then a new trace has to begin.
    ///
    /// Of a version that is not known here only the first four fields are read, as the standard
    /// demands (level 2, §3.2.4).
    pub fn parse(value: &HeaderValue) -> Option<Self> {
        let (head, rest) = value.as_bytes().split_at_checked(LENGTH)?;
        let [version] = hexadecimal(&head[..2])?;
        let follows = if version == 0 { rest.is_empty() } else { matches!(rest, [] | [b'-', ..]) };
        if version == 0xff || !follows || [head[2], head[35], head[52]] != *b"---" {
            return None;
        }
        let trace_id = hexadecimal(&head[3..35]).filter(|it| *it != [0; 16])?;
        let span_id = hexadecimal(&head[36..52]).filter(|it| *it != [0; 8])?;
        let [flags] = hexadecimal(&head[53..])?;
        Some(Self { trace_id, span_id, flags: flags & (SAMPLED | RANDOM) })
    }

    /// The next span of the same trace.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span_id: random(), ..*self }
    }

    /// The value of `traceparent`, in version 00.
    pub fn to_header(&self) -> HeaderValue {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        write(&self.trace_id, &mut text[3..35]);
        write(&self.span_id, &mut text[36..52]);
        write(&[self.flags], &mut text[53..]);
        // Hexadecimal digits and hyphens are a header value; the other arm cannot be reached.
        HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static(""))
    }

    /// The trace's id.
    pub const fn trace_id(&self) -> [u8; 16] {
        self.trace_id
    }

    /// This span's id.
    pub const fn span_id(&self) -> [u8; 8] {
        self.span_id
    }

    /// Whether the trace is recorded.
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }
}

/// Zeros would be no id.
fn random<const N: usize>() -> [u8; N] {
    loop {
        let mut id = [0; N];
        rand::fill(&mut id);
        if id != [0; N] {
            return id;
        }
    }
}

/// Reads `N` bytes from as many pairs of digits; capitals are not valid (§3.2.2).
fn hexadecimal<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(digits, &mut bytes).ok()?;
    (!digits.iter().any(u8::is_ascii_uppercase)).then_some(bytes)
}

/// `text` has two digits' room for each byte, so that there is nothing that could fail.
fn write(bytes: &[u8], text: &mut [u8]) {
    let written = hex::encode_to_slice(bytes, text);
    debug_assert!(written.is_ok(), "{written:?}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn parse(text: &str) -> Option<TraceContext> {
        TraceContext::parse(&HeaderValue::from_str(text).unwrap())
    }

    #[test]
    fn the_standards_example_is_read_and_written_the_same() {
        let context = parse(EXAMPLE).unwrap();
        assert_eq!(hex::encode(context.trace_id()), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(hex::encode(context.span_id()), "b7ad6b7169203331");
        assert!(context.is_sampled());
        assert_eq!(context.to_header(), EXAMPLE);
    }

    // From the standard's own test suite, w3c/trace-context, test/test.py.
    #[test]
    fn what_is_not_valid_is_no_context() {
        for text in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-.0",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-B7AD6B7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0A",
            "00-.af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-.7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b71692033311-01",
            "00-0af7651916cd43dd8448eb211c80319cb-7ad6b7169203331-01",
            "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
            "0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "000-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ".0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later",
            "FF-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-011",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(TraceContext::parse(&HeaderValue::from_bytes(&[0xe9; LENGTH]).unwrap()), None);
    }

    #[test]
    fn a_later_version_is_read_as_far_as_this_one_goes() {
        for text in [
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-brings",
            "fe-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
        ] {
            assert_eq!(parse(text).unwrap().to_header(), EXAMPLE, "{text}");
        }
    }

    #[test]
    fn flags_without_a_meaning_are_not_passed_on() {
        for (flags, passed) in
            [("00", "00"), ("01", "01"), ("02", "02"), ("03", "03"), ("fe", "02")]
        {
            let context = parse(&EXAMPLE.replace("-01", &format!("-{flags}"))).unwrap();
            assert_eq!(context.to_header(), EXAMPLE.replace("-01", &format!("-{passed}")));
            assert_eq!(context.is_sampled(), flags == "01" || flags == "03");
        }
    }

    #[test]
    fn a_child_is_another_span_of_the_same_trace() {
        let parent = parse(EXAMPLE).unwrap();
        let child = parent.child();
        assert_ne!(child.span_id(), parent.span_id());
        assert_eq!(TraceContext { span_id: parent.span_id, ..child }, parent);
    }

    #[test]
    fn each_new_trace_is_another_one() {
        let (one, other) = (TraceContext::new(true), TraceContext::new(false));
        assert_ne!((one.trace_id(), one.span_id()), (other.trace_id(), other.span_id()));
        assert_eq!((one.is_sampled(), other.is_sampled()), (true, false));
        assert_eq!(TraceContext::parse(&one.to_header()), Some(one));
        assert!(one.to_header().to_str().unwrap().ends_with("-03"));
    }

    #[test]
    fn only_a_trusted_hops_trace_continues_and_its_state_with_it() {
        let other = EXAMPLE.replace('7', "8");
        for (values, trusted, kept) in [
            (&[EXAMPLE][..], true, true),
            (&[EXAMPLE], false, false),
            (&[EXAMPLE, &other], true, false),
            (&["00-nonsense"], true, false),
            (&[], true, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(TRACESTATE, HeaderValue::from_static("a=1, b@c=2"));
            headers.append(TRACESTATE, HeaderValue::from_static("d=3"));
            for value in values {
                headers.append(TRACEPARENT, HeaderValue::from_str(value).unwrap());
            }
            let sent = headers.clone();
            let context = TraceContext::incoming(&mut headers, trusted);
            assert_eq!(context.is_some(), kept, "{values:?}");
            assert_eq!(headers, if kept { sent } else { HeaderMap::new() }, "{values:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(trace_id: [u8; 16], span_id: [u8; 8], flags in 0_u8..4) {
            prop_assume!(trace_id != [0; 16] && span_id != [0; 8]);
            let context = TraceContext { trace_id, span_id, flags };
            prop_assert_eq!(TraceContext::parse(&context.to_header()), Some(context));
        }

        #[test]
        fn what_is_read_is_what_the_grammar_says(
            text in "[0-9a-fA-F]{2}-[0-9a-f]{31,33}-[0-9a-f]{16}-[0-9a-f]{2}(-[a-z]{0,3})?",
        ) {
            let lower = !text[..2].bytes().any(|it| it.is_ascii_uppercase());
            let sized = text.split('-').nth(1).is_some_and(|it| it.len() == 32);
            let known = text.starts_with("00") && text.len() > LENGTH || text.starts_with("ff");
            prop_assert_eq!(parse(&text).is_some(), lower && sized && !known);
        }

        #[test]
        fn any_value_can_be_read(value in prop::collection::vec(0x20_u8..0x7f, 0..80)) {
            if let Some(context) = TraceContext::parse(&HeaderValue::from_bytes(&value).unwrap()) {
                prop_assert!(context.trace_id() != [0; 16]);
            }
        }
    }
}
