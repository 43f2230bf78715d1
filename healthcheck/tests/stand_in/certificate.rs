//! Certificates made for one test, and the files that say whom to trust.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, KeyPair};
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// Signed by itself; its own file makes it trusted.
pub(crate) struct Certificate {
    certificate: rcgen::Certificate,
    key: KeyPair,
    file: NamedTempFile,
}

impl Certificate {
    pub(crate) fn ending(name: &str, end: SystemTime) -> Self {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = (SystemTime::now() - DAY * 30).into();
        params.not_after = end.into();
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), certificate.pem()).unwrap();
        Self {
            certificate,
            key,
            file,
        }
    }

    /// For `localhost` and a year.
    pub(crate) fn valid() -> Self {
        Self::ending("localhost", SystemTime::now() + DAY * 365)
    }

    pub(crate) fn file(&self) -> &Path {
        self.file.path()
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let key = PrivateKeyDer::Pkcs8(self.key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}
