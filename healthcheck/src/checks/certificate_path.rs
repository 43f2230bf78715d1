//! Finds out when the certificate path of a server expires.
//!
//! A client builds a path of certificates: from the server's own certificate, through the intermediates that the server
//! sent, to a trusted authority. This module builds the path in the same way.
//!
//! A path expires as soon as one of its certificates expires. If there are several paths, this module returns the
//! expiry of the path that expires last, because until then clients accept the server.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage, VerifiedPath};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::trust::Trust;

/// The expiry of a certificate path: which certificate of the path expires first, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// For the server's own certificate, the text "the certificate". For another certificate, its kind and its name.
    pub(super) what: String,
    pub(super) at: SystemTime,
}

/// Returns the expiry of the certificate path from the server's own certificate to a trusted authority. `shown`
/// contains the certificates that the server sent, beginning with the server's own certificate.
pub(super) fn end_of_path(
    shown: &[CertificateDer<'_>],
    trust: &Trust,
    now: SystemTime,
) -> Result<End, String> {
    let [own, intermediates @ ..] = shown else {
        return Err("the server shows no certificate".to_owned());
    };
    let unreadable = || "the certificate can't be read".to_owned();
    let own_end = end("the certificate", own).ok_or_else(unreadable)?;
    let own = EndEntityCert::try_from(own).map_err(|_| unreadable())?;
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let latest: RefCell<Option<End>> = RefCell::new(None);
    let look = |path: &VerifiedPath<'_>| {
        let between = path
            .intermediate_certificates()
            .filter_map(|certificate| end("the intermediate", &certificate.der()));
        let ends = std::iter::once(own_end.clone())
            .chain(between)
            .chain(end_of_anchor(path.anchor(), trust));
        // If several certificates expire at the same time, `min_by_key` returns the one that is nearest to the server's
        // own certificate.
        if let Some(first) = ends.min_by_key(|end| end.at) {
            let mut latest = latest.borrow_mut();
            if latest.as_ref().is_none_or(|latest| first.at > latest.at) {
                *latest = Some(first);
            }
        }
        // Reject this path, so that webpki tries the next path.
        Err(Error::UnknownIssuer)
    };
    let paths = own.verify_for_usage(
        ring::default_provider().signature_verification_algorithms.all,
        &trust.anchors.roots,
        intermediates,
        UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs())),
        KeyUsage::server_auth(),
        None,
        Some(&look),
    );
    // `look` rejects every path, so `paths` is always an error. The text of this error is shown only if webpki found no
    // path.
    let why = paths.err().map(|error| error.to_string()).unwrap_or_default();
    latest
        .into_inner()
        .ok_or_else(|| format!("no path leads to a trusted authority: {why}"))
}

/// Returns the expiry of a trusted authority.
///
/// If the authority has several certificates, returns the expiry of the certificate that expires last, because a client
/// accepts the authority until then.
fn end_of_anchor(anchor: &TrustAnchor<'_>, trust: &Trust) -> Option<End> {
    let same = |other: &TrustAnchor<'_>| {
        (&other.subject, &other.subject_public_key_info) == (&anchor.subject, &anchor.subject_public_key_info)
    };
    let roots = trust.anchors.roots.iter().zip(&trust.certificates);
    roots
        .filter(|(root, _)| same(root))
        .filter_map(|(_, certificate)| end("the authority", certificate))
        .max_by_key(|end| end.at)
}

fn end(kind: &str, certificate: &CertificateDer<'_>) -> Option<End> {
    let certificate = Certificate::from_der(certificate).ok()?.tbs_certificate;
    let what = match kind {
        "the certificate" => kind.to_owned(),
        _ => format!("{kind} \"{}\"", certificate.subject),
    };
    Some(End {
        what,
        at: certificate.validity.not_after.to_system_time(),
    })
}
