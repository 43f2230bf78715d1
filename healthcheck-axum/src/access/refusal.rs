use axum::http::HeaderName;

/// The reason why a rule refuses a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal<'a> {
    Denied,
    /// The request has this header, which proxies add.
    Proxied(&'a HeaderName),
    UnknownPeer,
    Elsewhere,
    OldHttp,
    OtherHost,
    Token,
    Password,
    Condition,
}

impl Refusal<'_> {
    /// Returns the value of the header `WWW-Authenticate` if the rule accepts credentials.
    pub(crate) const fn challenge(self) -> Option<&'static str> {
        match self {
            Self::Token => Some("Bearer"),
            Self::Password => Some("Basic realm=\"healthcheck\", charset=\"UTF-8\""),
            _ => None,
        }
    }

    /// Returns a text that says why the rule refuses the request.
    pub(crate) fn problem(self) -> String {
        match self {
            Self::Denied => "this page is closed to everybody".to_owned(),
            Self::Proxied(header) => {
                format!(
                    "this page is for direct requests, and `{header}` says that this one came through a proxy"
                )
            }
            Self::UnknownPeer => {
                "this page is for requests from this machine, and the server doesn't tell the peer's address"
                    .to_owned()
            }
            Self::Elsewhere => "this page is for requests from this machine (127.0.0.1 or ::1)".to_owned(),
            Self::OldHttp => {
                "this page is for requests from this machine, and HTTP/1.0 is what proxies speak".to_owned()
            }
            Self::OtherHost => {
                "this page is for requests from this machine, and `Host` names another one".to_owned()
            }
            Self::Token => "this page needs a bearer token that is accepted".to_owned(),
            Self::Password => "this page needs a user and a password that are accepted".to_owned(),
            Self::Condition => "this page is closed to this request by `Access::when`".to_owned(),
        }
    }

    /// Returns advice for the operator: how to make the rule admit the refused request.
    pub(crate) const fn remedy(self) -> &'static str {
        match self {
            Self::Denied => {
                "give `Endpoints::environment_access` another `Access`, such as `Access::bearer(token)`"
            }
            Self::UnknownPeer => {
                "serve the router with `into_make_service_with_connect_info::<std::net::SocketAddr>()`, \
                 or give `Endpoints::environment_access` another `Access`, such as `Access::bearer(token)`"
            }
            Self::Proxied(_) | Self::Elsewhere | Self::OldHttp | Self::OtherHost => {
                "ask on the machine itself, as with `curl http://localhost:PORT/`, \
                 or give `Endpoints::environment_access` another `Access`, such as `Access::bearer(token)`"
            }
            Self::Token => "send `Authorization: Bearer TOKEN` with the token given to `Access::bearer`",
            Self::Password => "send the user and the password given to `Access::basic`",
            Self::Condition => "meet the condition, or give `Endpoints::environment_access` another `Access`",
        }
    }
}
