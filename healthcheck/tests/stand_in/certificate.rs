//! Generates certificates and certificate authorities for a test.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// A self-signed certificate, and a PEM file that contains it. A client that loads the file trusts the certificate.
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

    /// Returns a certificate for `localhost` that is valid for a year.
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

/// A certificate authority: a root, or an intermediate that another authority has signed.
pub(crate) struct Authority {
    params: CertificateParams,
    key: Arc<KeyPair>,
    certificate: rcgen::Certificate,
}

impl Authority {
    pub(crate) fn root(name: &str, end: SystemTime) -> Self {
        let (params, key) = (
            authority_params(name, end),
            Arc::new(KeyPair::generate().unwrap()),
        );
        let certificate = params.self_signed(&*key).unwrap();
        Self {
            params,
            key,
            certificate,
        }
    }

    pub(crate) fn intermediate(&self, name: &str, end: SystemTime) -> Self {
        self.sign(name, end, Arc::new(KeyPair::generate().unwrap()))
    }

    /// Issues a second certificate for the key of the authority `other`. This authority signs the certificate, which is
    /// valid until `end`.
    pub(crate) fn cross_sign(&self, other: &Self, name: &str, end: SystemTime) -> Self {
        self.sign(name, end, Arc::clone(&other.key))
    }

    fn sign(&self, name: &str, end: SystemTime, key: Arc<KeyPair>) -> Self {
        let params = authority_params(name, end);
        let issuer = Issuer::from_params(&self.params, &*self.key);
        let certificate = params.signed_by(&*key, &issuer).unwrap();
        Self {
            params,
            key,
            certificate,
        }
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// Issues a server certificate for `localhost` that is valid until `end`. Returns the private key and the
    /// certificate.
    pub(crate) fn leaf(&self, end: SystemTime) -> (KeyPair, rcgen::Certificate) {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = (SystemTime::now() - DAY * 30).into();
        params.not_after = end.into();
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&self.params, &*self.key);
        let certificate = params.signed_by(&key, &issuer).unwrap();
        (key, certificate)
    }
}

fn authority_params(name: &str, end: SystemTime) -> CertificateParams {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = (SystemTime::now() - DAY * 300).into();
    params.not_after = end.into();
    params
}

/// Returns a TLS acceptor that presents the certificate `leaf` and the certificates of the authorities `sent`.
pub(crate) fn acceptor_of(leaf: &(KeyPair, rcgen::Certificate), sent: &[&Authority]) -> TlsAcceptor {
    let (key, certificate) = leaf;
    let shown = std::iter::once(certificate.der().clone())
        .chain(sent.iter().map(|authority| authority.certificate.der().clone()));
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(shown.collect(), key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
