//! Parses the URL of a check.

use hyper::Uri;

use super::layer::{Layer, Problem};

#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) https: bool,
    /// The host. An IPv6 address has no brackets here.
    pub(super) host: String,
    pub(super) port: u16,
    /// The host and the port, as the URL has them, for the header `Host`.
    pub(super) authority: String,
    pub(super) path_and_query: String,
    /// The URL without its query, which may contain a token.
    pub(super) shown: String,
}

impl Target {
    /// Parses a URL. The error shows an example of a valid URL. It doesn't show `url`, which may contain a password.
    pub(super) fn parse(url: &str) -> Result<Self, Problem> {
        let wrong = |what: &str| Err(Layer::Connect.problem(what));
        let example = "that isn't a URL: write \"http://host:port/path\" or \"https://…\"";
        let Ok(uri) = url.parse::<Uri>() else {
            return wrong(example);
        };
        let (https, default_port) = match uri.scheme_str() {
            Some("http") => (false, 80),
            Some("https") => (true, 443),
            _ => return wrong(example),
        };
        let Some(authority) = uri.authority() else {
            return wrong(example);
        };
        if authority.as_str().contains('@') {
            return wrong(
                "a URL can't hold credentials here: send them with `.header(\"authorization\", …)`",
            );
        }
        let host = authority.host();
        // `port_u16` returns `None` both for an invalid port and for a missing port. Use the default port only if the
        // port is missing.
        let port = match authority.as_str().strip_prefix(host) {
            Some("") => Some(default_port),
            _ => authority.port_u16(),
        };
        let Some(port) = port.filter(|_| !host.is_empty()) else {
            return wrong(example);
        };
        let path_and_query = uri.path_and_query().map_or("/", |all| all.as_str());
        let hidden = uri.query().map_or("", |_| "?…");
        let scheme = if https { "https" } else { "http" };
        Ok(Self {
            https,
            host: host
                .strip_prefix('[')
                .and_then(|host| host.strip_suffix(']'))
                .unwrap_or(host)
                .to_owned(),
            port,
            authority: authority.as_str().to_owned(),
            path_and_query: path_and_query.to_owned(),
            shown: format!("{scheme}://{authority}{}{hidden}", uri.path()),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_shown_without_its_query() {
        let target = Target::parse("https://billing.internal/healthz?token=abc").unwrap();
        assert!(target.https);
        assert_eq!((target.host.as_str(), target.port), ("billing.internal", 443));
        assert_eq!(target.path_and_query, "/healthz?token=abc");
        assert_eq!(target.shown, "https://billing.internal/healthz?…");
        let target = Target::parse("http://[::1]:8080").unwrap();
        assert_eq!((target.host.as_str(), target.port), ("::1", 8080));
        assert_eq!(
            (target.authority.as_str(), target.path_and_query.as_str()),
            ("[::1]:8080", "/")
        );
    }

    #[test]
    fn what_is_no_url_is_refused_without_repeating_it() {
        let secret = concat!("hunter", "2");
        for wrong in [
            "",
            "billing",
            "billing/healthz",
            "ftp://billing/",
            "http://",
            "http:///x",
            "http://billing:port/",
            "http://billing:70000/",
            "http://a b/",
            &format!("http://app:{secret}@billing/"),
            &format!("postgres://app:{secret}@db/"),
        ] {
            let problem = Target::parse(wrong).expect_err(wrong).to_string();
            assert!(
                problem.starts_with("connect: ") && !problem.contains(secret),
                "{wrong:?}: {problem}"
            );
        }
    }
}
