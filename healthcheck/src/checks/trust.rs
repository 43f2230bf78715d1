//! Which certificate authorities are trusted: the machine's own, or those of a file.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

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
use crate::clock;

/// Encrypts a connection as a client that expects `name`, or tells why not; `name` isn't in the text.
pub(super) async fn secure(
    connection: TcpStream,
    name: &str,
    ca_file: Option<&Path>,
    deadline: Instant,
) -> Result<TlsStream<TcpStream>, Problem> {
    let config = client_config(ca_file)?;
    let Ok(server) = ServerName::try_from(name.to_owned()) else {
        return Err(Layer::Tls.problem("that isn't a name that a certificate can be for"));
    };
    let handshake = TlsConnector::from(config).connect(server, connection);
    match timeout_at(deadline, handshake).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => {
            let refused = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
            Err(Layer::Tls.problem(refused.map_or_else(|| error.to_string(), reason)))
        }
        Err(_) => Err(Layer::Tls.problem("no answer to the handshake in time")),
    }
}

/// rustls' own text tells an expired certificate in seconds since the epoch.
fn reason(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => {
            ended(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(not_after.as_secs()))
        }
        error => error.to_string(),
    }
}

/// "the certificate ended 3 d ago (2026-01-31T12:00:00Z)".
pub(super) fn ended(end: SystemTime) -> String {
    let ago = span(SystemTime::now().duration_since(end).unwrap_or_default());
    format!("the certificate ended {ago} ago ({})", clock::rfc3339(end))
}

/// The machine's authorities are read once, a file at each call: it may be renewed.
fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, Problem> {
    static SYSTEM: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    match ca_file {
        Some(file) => {
            let roots = from_file(file)
                .map_err(|problem| Layer::Tls.problem(format_args!("{}: {problem}", file.display())))?;
            trusting(roots)
        }
        // What can't be read isn't kept: it may be there the next time.
        None => match SYSTEM.get() {
            Some(config) => Ok(Arc::clone(config)),
            None => Ok(Arc::clone(SYSTEM.get_or_init({
                let config = trusting(from_system()?)?;
                || config
            }))),
        },
    }
}

fn trusting(roots: RootCertStore) -> Result<Arc<ClientConfig>, Problem> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Layer::Tls.problem(error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A resumed session shows the certificate of the first one.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

fn from_system() -> Result<RootCertStore, Problem> {
    let mut roots = RootCertStore::empty();
    // A machine may well have some that can't be parsed.
    let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(Layer::Tls.problem(
            "this machine has no certificate authorities: install ca-certificates, set SSL_CERT_FILE, or name a file with `ca_file`",
        ));
    }
    Ok(roots)
}

fn from_file(file: &Path) -> Result<RootCertStore, String> {
    let pem = std::fs::read(file).map_err(|error| error.to_string())?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("there is no certificate in it, in PEM (\"-----BEGIN CERTIFICATE-----\")".to_owned());
    }
    Ok(roots)
}
