//! The certificates in force on the buyers' side, and their replacement without a restart.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs::Ticketer},
    pki_types::CertificateDer,
    server::{
        NoServerSessionStorage, ProducesTickets, WebPkiClientVerifier, danger::ClientCertVerifier,
    },
};
use time::OffsetDateTime;

use super::{
    H2, HTTP1, PairFiles, TlsError, VERSIONS,
    choice::{Choice, Shown},
    pair::Pair,
    provider, read_certificates, roots,
};

/// Which files to serve from. They are read again at each reload.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Chosen by SNI: the first with that name, else the first with a wildcard for it. A client
    /// that names none of them gets the first.
    pub pairs: Vec<PairFiles>,
    /// Whether clients are asked for certificates.
    pub client_auth: Option<ClientAuth>,
}

/// Who may be a client. Where clients are asked, sessions are not resumed: a resumed client is not
/// verified again, and each resumption brings a new ticket, so that one whose certificate expired,
/// or whose CA is no longer accepted, could come back for ever.
#[derive(Debug, Clone)]
pub struct ClientAuth {
    /// PEM: the CAs whose certificates are accepted.
    pub ca_file: PathBuf,
    /// Whether a client without a certificate is refused. A bad certificate always is.
    pub required: bool,
}

/// The certificates in force. Cloning is cheap and shares them.
#[derive(Debug, Clone)]
pub struct Certificates(Arc<Shared>);

/// What a reload found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// The files hold other certificates than before; they are in force now.
    Yes,
    /// The files hold what was in force already.
    No,
}

/// Until when a certificate is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// Its subject alternative names, as they stand there, in lower case.
    pub names: Vec<String>,
    /// The last moment of its validity.
    pub not_after: OffsetDateTime,
}

impl Certificates {
    /// Reads all files. What clients will not like but a handshake survives (an expired
    /// certificate, one without names) is logged as a warning.
    ///
    /// # Errors
    /// At the start there are no last good certificates to keep, so any fault is an error.
    pub fn load(settings: Settings) -> Result<Self, TlsError> {
        let provider = provider();
        let inputs = Inputs::read(&settings, &provider)?;
        inputs.warn();
        let tickets = match settings.client_auth {
            Some(_) => None,
            None => Some(Ticketer::new().map_err(TlsError::Provider)?),
        };
        let in_force = InForce::new(inputs, &settings, &provider, tickets.as_ref())?;
        Ok(Self(Arc::new(Shared {
            settings,
            provider,
            tickets,
            in_force: ArcSwap::from_pointee(in_force),
            reloading: Mutex::new(()),
        })))
    }

    /// Reads all files again. New connections get the new certificates; open ones go on as they
    /// began. Sessions of before can be resumed.
    ///
    /// Blocks while it reads a few small files.
    ///
    /// # Errors
    /// All or nothing: on any fault everything stays as it was.
    pub fn reload(&self) -> Result<Changed, TlsError> {
        let Shared { settings, provider, tickets, in_force, reloading } = &*self.0;
        let _one_at_a_time = reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let inputs = Inputs::read(settings, provider)?;
        inputs.warn();
        let before = in_force.load();
        if inputs.client_cas == before.client_cas
            && inputs.chains().eq(before.choice.pairs.iter().map(chain))
        {
            return Ok(Changed::No);
        }
        in_force.store(Arc::new(InForce::new(inputs, settings, provider, tickets.as_ref())?));
        Ok(Changed::Yes)
    }

    /// What a connection that was just accepted is to be served with.
    pub fn offer(&self) -> Offer {
        Offer(self.0.in_force.load_full())
    }

    /// Until when each certificate in force is good, in the configured order.
    pub fn expiries(&self) -> Vec<Expiry> {
        let expiry = |pair: &Pair| Expiry { names: pair.names.clone(), not_after: pair.not_after };
        self.0.in_force.load().choice.pairs.iter().map(expiry).collect()
    }
}

/// The certificates that were in force when a connection was accepted; a reload does not change them.
#[derive(Debug, Clone)]
pub struct Offer(Arc<InForce>);

impl Offer {
    /// TLS 1.3 or 1.2, `h2` or `http/1.1`, stateless tickets good for 12 hours, no early data (it
    /// could be replayed).
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.config)
    }

    /// The certificate that a client got who asked for `sni`. `None` where it asked for none, or
    /// where the certificate does not have that name: such a client does not look at names.
    pub fn shown(&self, sni: Option<&str>) -> Option<Shown> {
        Shown::new(&self.0.choice, sni?)
    }
}

#[derive(Debug)]
struct Shared {
    settings: Settings,
    provider: Arc<CryptoProvider>,
    /// Outlives every reload; its keys change by themselves every six hours.
    tickets: Option<Arc<dyn ProducesTickets>>,
    in_force: ArcSwap<InForce>,
    /// Two reloads at once could put the older state of the files in force last.
    reloading: Mutex<()>,
}

#[derive(Debug)]
struct InForce {
    config: Arc<ServerConfig>,
    choice: Arc<Choice>,
    client_cas: Vec<CertificateDer<'static>>,
}

impl InForce {
    fn new(
        inputs: Inputs,
        settings: &Settings,
        provider: &Arc<CryptoProvider>,
        tickets: Option<&Arc<dyn ProducesTickets>>,
    ) -> Result<Self, TlsError> {
        let Inputs { choice, client_cas } = inputs;
        let choice = Arc::new(choice);
        let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
            .with_protocol_versions(VERSIONS)
            .map_err(TlsError::Provider)?
            .with_client_cert_verifier(verifier(settings, &client_cas, provider)?)
            .with_cert_resolver(Arc::<Choice>::clone(&choice));
        config.alpn_protocols = vec![H2.into(), HTTP1.into()];
        // The client keeps its session, sealed in a ticket: a store here would be a lock that all
        // workers share, and would be empty for all but one of several proxies.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        match tickets {
            Some(tickets) => config.ticketer = Arc::clone(tickets),
            None => config.send_tls13_tickets = 0,
        }
        Ok(Self { config: Arc::new(config), choice, client_cas })
    }
}

/// What the files hold.
#[derive(Debug)]
pub(super) struct Inputs {
    choice: Choice,
    client_cas: Vec<CertificateDer<'static>>,
}

impl Inputs {
    pub(super) fn read(settings: &Settings, provider: &CryptoProvider) -> Result<Self, TlsError> {
        let pairs: Vec<Pair> =
            settings.pairs.iter().map(|it| Pair::read(it, provider)).collect::<Result<_, _>>()?;
        if pairs.is_empty() {
            return Err(TlsError::NoPairs);
        }
        let client_cas = match &settings.client_auth {
            Some(auth) => read_certificates(&auth.ca_file)?,
            None => Vec::new(),
        };
        Ok(Self { choice: Choice::new(pairs), client_cas })
    }

    /// What an operator should know about them at the time `now`.
    pub(super) fn warnings(&self, now: OffsetDateTime) -> Vec<String> {
        let hidden = self.choice.never_served().map(|pair| {
            format!(
                "the certificate in {} is never served, since earlier ones have all of its names: \
                 remove it, or put it first",
                pair.cert_file.display()
            )
        });
        self.choice.pairs.iter().flat_map(|pair| pair.warnings(now)).chain(hidden).collect()
    }

    fn warn(&self) {
        for warning in self.warnings(OffsetDateTime::now_utc()) {
            tracing::warn!("{warning}");
        }
    }

    /// A key always matches its certificate, so certificates that are the same have the same keys.
    fn chains(&self) -> impl Iterator<Item = &[CertificateDer<'static>]> {
        self.choice.pairs.iter().map(chain)
    }
}

fn chain(pair: &Pair) -> &[CertificateDer<'static>] {
    &pair.certified.cert
}

fn verifier(
    settings: &Settings,
    client_cas: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let Some(ClientAuth { ca_file, required }) = &settings.client_auth else {
        return Ok(WebPkiClientVerifier::no_client_auth());
    };
    let trusted = Arc::new(roots(ca_file, client_cas)?);
    let verifier = WebPkiClientVerifier::builder_with_provider(trusted, Arc::clone(provider));
    let verifier = if *required { verifier } else { verifier.allow_unauthenticated() };
    verifier.build().map_err(|error| TlsError::BadAuthority {
        file: ca_file.clone(),
        source: rustls::Error::General(error.to_string()),
    })
}
