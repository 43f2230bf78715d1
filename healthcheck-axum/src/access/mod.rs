//! Decides by a rule whether a request may read a page. The rule sees only the head of the request.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use axum::http::request::Parts;

mod credentials;
pub(crate) mod details;
mod origin;
mod refusal;
mod token_file;

use credentials::{Scheme, Tokens};
pub(crate) use refusal::Refusal;
use token_file::TokenFile;

use crate::log::log;

/// A rule that decides which requests may read a page. This is the argument of
/// [`Endpoints::environment_access`](crate::Endpoints::environment_access) and
/// [`Endpoints::details_access`](crate::Endpoints::details_access).
///
/// A refused page is answered with 403, or with 401 and `WWW-Authenticate` if credentials would help. The body says how
/// to allow such a request. The body is JSON, or an HTML page for a browser. If details are refused, the request still
/// gets its answer, without the details.
///
/// [`direct`](Self::direct) and [`loopback`](Self::loopback) are a convenience, not a security boundary. A sidecar, a
/// rootless container, a bare `proxy_pass`, the PROXY protocol and host networks each make requests from elsewhere look
/// local. If the page must stay closed, use [`bearer`](Self::bearer) or [`denied`](Self::denied).
///
/// ```
/// use healthcheck::HealthCheck;
/// use healthcheck_axum::{Access, Endpoints};
///
/// # fn main() -> Result<(), healthcheck::BuildError> {
/// let health = HealthCheck::builder().discover(false).build()?;
/// let router: axum::Router = Endpoints::new(health)
///     .environment_access(Access::bearer_file("/run/secrets/health-token"))
///     .details_access(Access::when(|request| request.headers.contains_key("x-on-call")))
///     .router()?;
/// # let _ = router;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Access {
    rule: Rule,
}

#[derive(Clone)]
enum Rule {
    Public,
    Direct,
    Loopback,
    Denied,
    Bearer(Arc<Tokens>),
    File(Arc<TokenFile>),
    Basic(Arc<Tokens>),
    When(Arc<Condition>),
    Either(Arc<(Access, Access)>),
}

type Condition = dyn Fn(&Parts) -> bool + Send + Sync;

impl Access {
    /// Admits every request.
    #[must_use]
    pub const fn public() -> Self {
        Self { rule: Rule::Public }
    }

    /// Admits requests without any sign of a proxy: no `Forwarded`, `Via`, `X-Forwarded-*`, `X-Real-IP`, `X-Envoy-*` or
    /// `l5d-*` header. This is the default for details.
    #[must_use]
    pub const fn direct() -> Self {
        Self { rule: Rule::Direct }
    }

    /// Admits [direct](Self::direct) requests from this machine: the peer is exactly 127.0.0.1 or ::1, the request
    /// isn't HTTP/1.0, and `Host`, if it is sent, is localhost, 127.0.0.1 or \[::1\], with any port. This is the
    /// default for the environment.
    ///
    /// The rule reads the peer's address from axum's `ConnectInfo<SocketAddr>`. [`serve`](crate::serve) sets it. With
    /// [`router`](crate::router), start your server with `into_make_service_with_connect_info::<SocketAddr>()`.
    /// Otherwise no request counts as local.
    #[must_use]
    pub const fn loopback() -> Self {
        Self { rule: Rule::Loopback }
    }

    /// Admits no request.
    #[must_use]
    pub const fn denied() -> Self {
        Self { rule: Rule::Denied }
    }

    /// Admits requests with this token in `Authorization: Bearer`. Tokens are compared in constant time. An empty token
    /// is never accepted.
    #[must_use]
    pub fn bearer(token: impl Into<String>) -> Self {
        Self::bearers([token])
    }

    /// Admits requests with one of these tokens, such as the old one and the new one while you rotate them.
    ///
    /// ```
    /// let access = healthcheck_axum::Access::bearers(["old", "new"]);
    /// // The `Debug` output shows no token.
    /// assert_eq!(format!("{access:?}"), "Access(bearer, 2 tokens)");
    /// ```
    #[must_use]
    pub fn bearers(tokens: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let tokens = Tokens::new(tokens.into_iter().map(Into::into));
        if tokens.is_empty() {
            log!(
                WARN,
                "`Access::bearer` has only an empty token: no request is let in"
            );
        }
        Self {
            rule: Rule::Bearer(Arc::new(tokens)),
        }
    }

    /// Admits requests with one of the tokens in this file. The file has one token on each line; white space around it
    /// is ignored.
    ///
    /// The file is read for the first request with a token, and after that at most once a second. So a rotated secret
    /// works without a restart. A file larger than 64 KiB is refused. If the file can't be read, no token is accepted,
    /// and a log line gives the reason once. If the disk doesn't answer, the previous tokens stay valid for 10 s.
    #[must_use]
    pub fn bearer_file(path: impl Into<PathBuf>) -> Self {
        Self {
            rule: Rule::File(Arc::new(TokenFile::new(path.into()))),
        }
    }

    /// Admits requests with this user and password (HTTP Basic). A browser shows a prompt for them. The user and the
    /// password are compared in constant time. An empty password is never accepted. HTTP sends both in plain text: use
    /// TLS, or a loopback address.
    ///
    /// ```
    /// use healthcheck_axum::Access;
    ///
    /// // Admits people by password, programs by token, and this machine without credentials.
    /// let access = Access::loopback()
    ///     .or(Access::basic("operator", "password"))
    ///     .or(Access::bearer_file("/run/secrets/health-token"));
    /// # let _ = access;
    /// ```
    #[must_use]
    pub fn basic(user: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        let tokens = credentials::basic(user.as_ref(), password.as_ref());
        if tokens.is_empty() {
            log!(
                WARN,
                "`Access::basic` has an empty password: no request is let in"
            );
        }
        Self {
            rule: Rule::Basic(Arc::new(tokens)),
        }
    }

    /// Admits requests that this rule or the other one admits. If both refuse a request, and credentials would satisfy
    /// one of them, the answer is 401 with a challenge for each such rule. Otherwise it is 403.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            rule: Rule::Either(Arc::new((self, other))),
        }
    }

    /// Admits requests for which the closure returns true. If the closure panics, the request is refused.
    ///
    /// The closure runs for every request, so it should neither block nor compute for long.
    #[must_use]
    pub fn when(condition: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        Self {
            rule: Rule::When(Arc::new(condition)),
        }
    }

    /// Returns whether the rule needs only the headers of a request. `loopback` also needs the peer's address, and the
    /// closure of `when` may need it.
    pub(crate) fn reads_headers_alone(&self) -> bool {
        match &self.rule {
            Rule::Public | Rule::Direct | Rule::Denied | Rule::Bearer(_) | Rule::File(_) | Rule::Basic(_) => {
                true
            }
            Rule::Loopback | Rule::When(_) => false,
            Rule::Either(both) => both.0.reads_headers_alone() && both.1.reads_headers_alone(),
        }
    }

    /// Returns `Ok` if the rule admits the request. Otherwise returns the reason for the refusal. Rules that are joined
    /// by `or` each return their reason.
    pub(crate) fn admit<'a>(&self, request: &'a Parts) -> Result<(), Vec<Refusal<'a>>> {
        let bears = |scheme: Scheme, is_accepted: &dyn Fn(&[u8]) -> bool, refusal| {
            let presented = scheme.presented(request).filter(|token| is_accepted(token));
            presented.map(drop).ok_or(refusal)
        };
        let admitted = match &self.rule {
            Rule::Public => Ok(()),
            Rule::Denied => Err(Refusal::Denied),
            Rule::Direct => origin::direct(request),
            Rule::Loopback => origin::loopback(request),
            Rule::Bearer(tokens) => bears(Scheme::Bearer, &|token| tokens.contain(token), Refusal::Token),
            Rule::File(file) => bears(
                Scheme::Bearer,
                &|token| file.tokens().contain(token),
                Refusal::Token,
            ),
            Rule::Basic(tokens) => bears(Scheme::Basic, &|token| tokens.contain(token), Refusal::Password),
            Rule::When(condition) => match catch_unwind(AssertUnwindSafe(|| condition(request))) {
                Ok(true) => Ok(()),
                Ok(false) => Err(Refusal::Condition),
                Err(_) => {
                    log!(
                        ERROR,
                        "the closure of `Access::when` panicked: the request is refused"
                    );
                    Err(Refusal::Condition)
                }
            },
            Rule::Either(both) => {
                let first = both.0.admit(request);
                return first.or_else(|first| {
                    let second = both.1.admit(request);
                    second.map_err(|second| [first, second].concat())
                });
            }
        };
        admitted.map_err(|refusal| vec![refusal])
    }
}

/// Shows the kind of the rule, but no token and no password.
impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            Rule::Public => f.write_str("Access(public)"),
            Rule::Direct => f.write_str("Access(direct)"),
            Rule::Loopback => f.write_str("Access(loopback)"),
            Rule::Denied => f.write_str("Access(denied)"),
            Rule::Bearer(tokens) => write!(f, "Access(bearer, {} tokens)", tokens.len()),
            Rule::File(file) => write!(f, "Access(bearer, tokens in {})", file.path().display()),
            Rule::Basic(_) => f.write_str("Access(basic)"),
            Rule::When(_) => f.write_str("Access(when …)"),
            Rule::Either(both) => write!(f, "{:?} or {:?}", both.0, both.1),
        }
    }
}
