//! Decides by a rule whether a request may read a page. The rule sees only the head of the request, not the body.

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

/// A rule that decides which requests may read a page. Pass a rule to
/// [`Endpoints::environment_access`](crate::Endpoints::environment_access) or to
/// [`Endpoints::details_access`](crate::Endpoints::details_access).
///
/// If the rule of `environment_access` refuses a request, the server answers with an error. The status code is 401 with
/// the header `WWW-Authenticate` if the rule accepts credentials, and 403 if it accepts none. The body says how to
/// allow such a request.
///
/// If the rule of `details_access` refuses a request, the server answers with a report without the details.
///
/// Don't rely on [`direct`](Self::direct) or [`loopback`](Self::loopback) for security. A sidecar, a rootless
/// container, nginx with a bare `proxy_pass`, the PROXY protocol or host networking can make a request from another
/// machine look local. To close a page securely, use [`bearer`](Self::bearer) or [`denied`](Self::denied).
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

    /// Admits each request that has no header of a proxy: no `Forwarded`, `Via`, `X-Forwarded-*`, `X-Real-IP`,
    /// `X-Envoy-*` or `l5d-*` header. This is the default for
    /// [`Endpoints::details_access`](crate::Endpoints::details_access).
    #[must_use]
    pub const fn direct() -> Self {
        Self { rule: Rule::Direct }
    }

    /// Admits each [direct](Self::direct) request from this machine. This rule is the default for
    /// [`Endpoints::environment_access`](crate::Endpoints::environment_access).
    ///
    /// A direct request is from this machine if it meets all of these conditions:
    ///
    /// - The peer's address is exactly 127.0.0.1 or ::1.
    /// - The HTTP version is at least 1.1.
    /// - If the request has a `Host` header, the host is localhost, 127.0.0.1 or \[::1\], with any port.
    ///
    /// The rule reads the peer's address from axum's `ConnectInfo<SocketAddr>`. Without this value, the rule refuses
    /// every request. [`serve`](crate::serve) provides the value. If you use [`router`](crate::router), start your
    /// server with `into_make_service_with_connect_info::<SocketAddr>()`.
    #[must_use]
    pub const fn loopback() -> Self {
        Self { rule: Rule::Loopback }
    }

    /// Admits no request.
    #[must_use]
    pub const fn denied() -> Self {
        Self { rule: Rule::Denied }
    }

    /// Admits each request that has this token in its header `Authorization: Bearer`. The rule compares tokens in
    /// constant time, and never accepts an empty token.
    #[must_use]
    pub fn bearer(token: impl Into<String>) -> Self {
        Self::bearers([token])
    }

    /// Admits each request that has one of these tokens in its header `Authorization: Bearer`. While you rotate a
    /// token, pass both the old token and the new one.
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

    /// Admits each request whose header `Authorization: Bearer` contains one of the tokens in this file. Write one token
    /// on each line. The rule ignores white space around a token.
    ///
    /// The rule reads the file when a request with a token arrives, but at most once a second. So you can rotate a
    /// token without a restart.
    ///
    /// If the file can't be read or is larger than 64 KiB, the rule accepts no token, and logs the reason once. If the
    /// disk doesn't answer, the rule accepts the tokens that it read last, until they are 10 s old.
    #[must_use]
    pub fn bearer_file(path: impl Into<PathBuf>) -> Self {
        Self {
            rule: Rule::File(Arc::new(TokenFile::new(path.into()))),
        }
    }

    /// Admits each request that has this user and password (HTTP Basic). A browser prompts its user for the two values.
    /// The rule compares the values in constant time, and never accepts an empty password.
    ///
    /// HTTP Basic doesn't encrypt the password: use TLS, or a loopback address.
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

    /// Admits each request that `self` or `other` admits.
    ///
    /// If both rules refuse a request, the server answers 401 if at least one of the rules accepts credentials, and 403
    /// if none does. An answer with 401 has one challenge for each rule that accepts credentials.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            rule: Rule::Either(Arc::new((self, other))),
        }
    }

    /// Admits each request for which the closure `condition` returns true. If the closure panics, the rule refuses the
    /// request.
    ///
    /// The server waits for the closure before it answers the request. So the closure should neither block nor compute
    /// for long.
    #[must_use]
    pub fn when(condition: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        Self {
            rule: Rule::When(Arc::new(condition)),
        }
    }

    /// Returns whether the rule decides by the headers of a request alone. A `loopback` rule also reads the peer's
    /// address, and the closure of a `when` rule may read everything in the request's head.
    pub(crate) fn reads_headers_alone(&self) -> bool {
        match &self.rule {
            Rule::Public | Rule::Direct | Rule::Denied | Rule::Bearer(_) | Rule::File(_) | Rule::Basic(_) => {
                true
            }
            Rule::Loopback | Rule::When(_) => false,
            Rule::Either(both) => both.0.reads_headers_alone() && both.1.reads_headers_alone(),
        }
    }

    /// Returns `Ok` if the rule admits the request, otherwise the reason for the refusal. If the rule was made with
    /// `or`, returns the reasons of both of its rules.
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
