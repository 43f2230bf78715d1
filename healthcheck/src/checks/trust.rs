//! Opens TLS connections that trust the machine's certificate authorities, or the authorities in a file.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error, RootCertStore};

use super::layer::{Layer, Problem};
use super::span::span;
use crate::model::time;

/// A TLS connection, and the certificate authorities that this client trusts for it.
pub(super) struct Secured {
    pub(super) stream: TlsStream<TcpStream>,
    #[cfg_attr(not(feature = "checks-tls"), allow(dead_code))] // Only the check `tls` reads this field.
    pub(super) trust: Arc<Trust>,
}

/// The trusted certificate authorities, and a client configuration that trusts them.
pub(super) struct Trust {
    config: Arc<ClientConfig>,
    /// The trusted authorities, in the same order as `certificates`.
    #[cfg_attr(not(feature = "checks-tls"), allow(dead_code))]
    pub(super) anchors: Arc<RootCertStore>,
    /// The certificates of the authorities in `anchors`. A certificate has an expiry date, but an anchor has none.
    #[cfg_attr(not(feature = "checks-tls"), allow(dead_code))]
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

/// Performs the TLS handshake as a client, and requires a certificate for `name`. The text of an error doesn't contain
/// `name`.
pub(super) async fn secure(
    connection: TcpStream,
    name: &str,
    ca_file: Option<&Path>,
    deadline: Instant,
) -> Result<Secured, Problem> {
    let trust = trust(ca_file)?;
    let Ok(server) = ServerName::try_from(name.to_owned()) else {
        return Err(Layer::Tls.problem("that isn't a name that a certificate can be for"));
    };
    let handshake = TlsConnector::from(Arc::clone(&trust.config)).connect(server, connection);
    match timeout_at(deadline, handshake).await {
        Ok(Ok(stream)) => Ok(Secured { stream, trust }),
        Ok(Err(error)) => {
            let refused = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
            Err(Layer::Tls.problem(refused.map_or_else(|| error.to_string(), reason)))
        }
        Err(_) => Err(Layer::Tls.problem("no answer to the handshake in time")),
    }
}

/// Returns the text of a TLS error. If the certificate has expired, this function formats the time itself, because
/// rustls shows that time only in seconds since 1970.
fn reason(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => ended(
            "the certificate",
            SystemTime::UNIX_EPOCH + Duration::from_secs(not_after.as_secs()),
        ),
        error => error.to_string(),
    }
}

/// Returns a text such as "the certificate ended 3 d ago (2026-01-31T12:00:00Z)".
pub(super) fn ended(what: &str, end: SystemTime) -> String {
    let ago = span(SystemTime::now().duration_since(end).unwrap_or_default());
    format!("{what} ended {ago} ago ({})", time::rfc3339(end))
}

/// How long the machine's certificate authorities are cached. We cache them because reading them takes 10 ms. The cache
/// expires because the authorities may change while the service runs.
const LONGEST_KEPT: Duration = Duration::from_secs(300);

/// Returns the authorities in `ca_file`. Without a `ca_file`, returns the machine's authorities. The machine's
/// authorities are cached. A `ca_file` is read at each call, because it may change.
fn trust(ca_file: Option<&Path>) -> Result<Arc<Trust>, Problem> {
    static SYSTEM: Mutex<Option<(std::time::Instant, Arc<Trust>)>> = Mutex::new(None);
    if let Some(file) = ca_file {
        let certificates = from_file(file)
            .map_err(|problem| Layer::Tls.problem(format_args!("{}: {problem}", file.display())))?;
        return trusting(certificates);
    }
    {
        let kept = SYSTEM.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, trust)) = &*kept
            && since.elapsed() < LONGEST_KEPT
        {
            return Ok(Arc::clone(trust));
        }
    }
    // The operator `?` returns an error without caching it, because the next call may succeed.
    let trust = trusting(from_system()?)?;
    let read = Some((std::time::Instant::now(), Arc::clone(&trust)));
    *SYSTEM.lock().unwrap_or_else(PoisonError::into_inner) = read;
    Ok(trust)
}

fn trusting(mut certificates: Vec<CertificateDer<'static>>) -> Result<Arc<Trust>, Problem> {
    let mut anchors = RootCertStore::empty();
    // Skip certificates that can't be parsed: the machine's list may contain such certificates.
    certificates.retain(|certificate| anchors.add(certificate.clone()).is_ok());
    let anchors = Arc::new(anchors);
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Layer::Tls.problem(error))?
        .with_root_certificates(Arc::clone(&anchors))
        .with_no_client_auth();
    // Don't resume TLS sessions: a resumed session shows the certificate of the first session, even if the server has a
    // new certificate.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(Trust {
        config: Arc::new(config),
        anchors,
        certificates,
    }))
}

fn from_system() -> Result<Vec<CertificateDer<'static>>, Problem> {
    let certificates = rustls_native_certs::load_native_certs().certs;
    if certificates.is_empty() {
        return Err(Layer::Tls.problem(
            "this machine has no certificate authorities: install ca-certificates, set SSL_CERT_FILE, or name a file with `ca_file`",
        ));
    }
    Ok(certificates)
}

fn from_file(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = std::fs::read(file).map_err(|error| error.to_string())?;
    let mut certificates = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        // The user chose this file. So if a certificate in the file is unusable, report an error instead of skipping
        // it.
        RootCertStore::empty()
            .add(certificate.clone())
            .map_err(|error| error.to_string())?;
        certificates.push(certificate);
    }
    if certificates.is_empty() {
        return Err("there is no certificate in it, in PEM (\"-----BEGIN CERTIFICATE-----\")".to_owned());
    }
    Ok(certificates)
}
