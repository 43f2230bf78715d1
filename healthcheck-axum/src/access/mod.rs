//! Decides by a rule whether a request may read a page. The rule gets the head of the request.

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

/// Who may read a page: given to [`Endpoints::environment_access`](crate::Endpoints::environment_access) and
/// [`Endpoints::details_access`](crate::Endpoints::details_access).
///
/// A refused page is answered with 403, or with 401 and a `WWW-Authenticate` where credentials would help, and a body that
/// says how to allow it: JSON, or for a browser a page. Refused details are left out of an answer that is given all the
/// same.
///
/// [`direct`](Self::direct) and [`loopback`](Self::loopback) are a convenience, not a boundary: a sidecar, a rootless
/// container, a bare `proxy_pass`, the PROXY protocol and host networks each make strangers look local. Where the page
/// must stay closed, use [`bearer`](Self::bearer) or [`denied`](Self::denied).
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
    /// Everybody.
    #[must_use]
    pub const fn public() -> Self {
        Self { rule: Rule::Public }
    }

    /// Requests that carry no sign of a proxy: no `Forwarded`, `Via`, `X-Forwarded-*`, `X-Real-IP`, `X-Envoy-*` or
    /// `l5d-*` header. The default for details.
    #[must_use]
    pub const fn direct() -> Self {
        Self { rule: Rule::Direct }
    }

    /// Direct requests from this machine: the peer is exactly 127.0.0.1 or ::1, the request isn't HTTP/1.0, and `Host`,
    /// where sent, is localhost, 127.0.0.1 or \[::1\], with any port. The default for the environment.
    ///
    /// The peer's address is axum's `ConnectInfo<SocketAddr>`. [`serve`](crate::serve) knows it; behind
    /// [`router`](crate::router) the application's server must be started with
    /// `into_make_service_with_connect_info::<SocketAddr>()`, and nobody counts as local where it isn't.
    #[must_use]
    pub const fn loopback() -> Self {
        Self { rule: Rule::Loopback }
    }

    /// Nobody.
    #[must_use]
    pub const fn denied() -> Self {
        Self { rule: Rule::Denied }
    }

    /// Whoever sends `Authorization: Bearer` with this token. It is compared in constant time; an empty one lets
    /// nobody in.
    #[must_use]
    pub fn bearer(token: impl Into<String>) -> Self {
        Self::bearers([token])
    }

    /// Whoever sends one of these tokens: the old one and the new one, while they are rotated.
    ///
    /// ```
    /// let access = healthcheck_axum::Access::bearers(["old", "new"]);
    /// // Tokens never show.
    /// assert_eq!(format!("{access:?}"), "Access(bearer, 2 tokens)");
    /// ```
    #[must_use]
    pub fn bearers(tokens: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let tokens = Tokens::new(tokens.into_iter().map(Into::into));
        if tokens.is_empty() {
            log!(
                WARN,
                "an access by bearer has no token but an empty one: it lets nobody in"
            );
        }
        Self {
            rule: Rule::Bearer(Arc::new(tokens)),
        }
    }

    /// Whoever sends one of the tokens in this file, one a line, with the white space around each ignored.
    ///
    /// It is read when the first token is to be compared, and again at most once a second, so that a rotated secret
    /// works without a restart. Up to 64 KiB are read. While the file can't be read nobody is let in, and one log line
    /// says why.
    #[must_use]
    pub fn bearer_file(path: impl Into<PathBuf>) -> Self {
        Self {
            rule: Rule::File(Arc::new(TokenFile::new(path.into()))),
        }
    }

    /// Requests with this user and password: a browser asks for them. They are compared in constant time; an empty
    /// password lets nobody in. HTTP sends them readable to anybody on the way: use TLS, or a loopback address.
    ///
    /// ```
    /// use healthcheck_axum::Access;
    ///
    /// // People by password, programs by token, and this machine without either.
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
                "an access by user and password has an empty password: it lets nobody in"
            );
        }
        Self {
            rule: Rule::Basic(Arc::new(tokens)),
        }
    }

    /// Requests that this rule lets in, or the other one. A request that both refuse is answered with 401 and each
    /// challenge where credentials could let it in, else with 403.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            rule: Rule::Either(Arc::new((self, other))),
        }
    }

    /// Whoever the closure lets in. One that panics lets nobody in.
    ///
    /// It is asked on the path of every request, so it should neither block nor compute for long.
    #[must_use]
    pub fn when(condition: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        Self {
            rule: Rule::When(Arc::new(condition)),
        }
    }

    /// Whether the rule needs only the headers of a request. `loopback` also needs the peer's address, and a closure
    /// may.
    pub(crate) fn reads_headers_alone(&self) -> bool {
        match &self.rule {
            Rule::Public | Rule::Direct | Rule::Denied | Rule::Bearer(_) | Rule::File(_) | Rule::Basic(_) => {
                true
            }
            Rule::Loopback | Rule::When(_) => false,
            Rule::Either(both) => both.0.reads_headers_alone() && both.1.reads_headers_alone(),
        }
    }

    /// Returns `Ok` if a rule admits the request. Otherwise returns the reason of each rule for refusing the request.
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

/// Shows the kind of rule, but no token and no password.
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
