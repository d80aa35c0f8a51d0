//! Which certificate a client gets, and for which hosts that certificate speaks.

use std::{borrow::Cow, collections::HashMap, net::Ipv6Addr, sync::Arc};

use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::pair::Pair;

/// All certificates of a listener, found by name. There is at least one.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) pairs: Vec<Pair>,
    /// DNS names and addresses → which pairs have them, in the configured order.
    exact: HashMap<String, Vec<usize>>,
    /// The same for `*.shop.example`, by what follows the star's dot.
    wildcard: HashMap<String, Vec<usize>>,
}

impl Choice {
    pub(super) fn new(pairs: Vec<Pair>) -> Self {
        let (mut exact, mut wildcard) = (HashMap::new(), HashMap::new());
        for (index, pair) in pairs.iter().enumerate() {
            for name in &pair.names {
                let (map, name) = match name.strip_prefix("*.") {
                    Some(parent) => (&mut wildcard, parent),
                    None => (&mut exact, name.as_str()),
                };
                let owners: &mut Vec<usize> = map.entry(name.to_owned()).or_default();
                owners.push(index);
            }
        }
        Self { pairs, exact, wildcard }
    }

    /// Certificates that no client can get, since earlier ones have all of their names.
    pub(super) fn never_served(&self) -> impl Iterator<Item = &Pair> {
        let first = |index: usize, name: &String| match name.strip_prefix("*.") {
            Some(parent) => self.wildcard.get(parent).and_then(|it| it.first()) == Some(&index),
            None => self.exact(name).first() == Some(&index),
        };
        let hidden = move |(index, pair): &(usize, &Pair)| {
            *index > 0 && !pair.names.iter().any(|name| first(*index, name))
        };
        self.pairs.iter().enumerate().filter(hidden).map(|(_, pair)| pair)
    }

    /// Whether the certificate with this number has `host` among its names.
    fn covers(&self, served: usize, host: &str) -> bool {
        let host = canonical(host);
        self.exact(&host).contains(&served) || self.wildcard(&host).contains(&served)
    }

    fn served_for(&self, sni: Option<&str>) -> usize {
        let named = sni.map(canonical).and_then(|name| {
            self.exact(&name).first().or_else(|| self.wildcard(&name).first()).copied()
        });
        named.unwrap_or(0)
    }

    fn exact(&self, name: &str) -> &[usize] {
        self.exact.get(name).map_or(&[], Vec::as_slice)
    }

    /// A star stands for exactly one label, the leftmost (RFC 9525 §6.3).
    fn wildcard(&self, name: &str) -> &[usize] {
        let parent = name.split_once('.').filter(|(label, _)| !label.is_empty());
        parent.and_then(|(_, parent)| self.wildcard.get(parent)).map_or(&[], Vec::as_slice)
    }
}

impl ResolvesServerCert for Choice {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let pair = self.pairs.get(self.served_for(hello.server_name()))?;
        Some(Arc::clone(&pair.certified))
    }
}

/// The certificate that a client was shown, for whose names its connection is good.
#[derive(Debug)]
pub struct Shown {
    choice: Arc<Choice>,
    served: usize,
    /// What the client had asked for.
    name: String,
}

impl Shown {
    /// `None` where the certificate that is served for `sni` does not have that name.
    pub(super) fn new(choice: &Arc<Choice>, sni: &str) -> Option<Self> {
        let served = choice.served_for(Some(sni));
        let shown = || Self { choice: Arc::clone(choice), served, name: sni.to_owned() };
        choice.covers(served, sni).then(shown)
    }

    /// Whether `host` (without a port; an IPv6 address with or without brackets) is a name of the
    /// certificate. Where it is not, the client came over a connection that was made for another
    /// host, and 421 sends it to a new one (RFC 9110 §15.5.20).
    pub fn speaks_for(&self, host: &str) -> bool {
        host.eq_ignore_ascii_case(&self.name) || self.choice.covers(self.served, host)
    }
}

/// A host as certificates write it: lower case, no final dot, an IPv6 address without brackets and
/// in its shortest form. Borrows what is written so already, which is almost everything.
fn canonical(host: &str) -> Cow<'_, str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    if let Some(inner) = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        let address = inner.parse::<Ipv6Addr>();
        return address.map_or(Cow::Borrowed(inner), |it| Cow::Owned(it.to_string()));
    }
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(host.to_ascii_lowercase());
    }
    Cow::Borrowed(host)
}
