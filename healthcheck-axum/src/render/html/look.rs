use healthcheck::Status;

/// Expands to the `data:` URL of an SVG icon of 16 by 16 pixels. `$shapes` has the elements of the icon,
/// percent-encoded, because a URL must not contain spaces.
macro_rules! icon {
    ($shapes:literal) => {
        concat!(
            "data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'%20viewBox='0,0,16,16'%3E",
            $shapes,
            "%3C/svg%3E"
        )
    };
}
pub(super) use icon;

/// The appearance of a status: a CSS class, a mark, a word and an icon.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub(super) class: &'static str,
    pub(super) mark: &'static str,
    pub(super) word: &'static str,
    pub(super) icon: &'static str,
}

impl Look {
    pub(super) const fn of(status: Status) -> Self {
        match status {
            Status::Pass => Self {
                class: "pass",
                mark: "✓",
                word: "Healthy",
                icon: icon!(
                    "%3Ccircle%20cx='8'%20cy='8'%20r='8'%20fill='%231a7f37'/%3E%3Cpath%20d='m4,8.5,3,3,5-6'%20fill='none'%20stroke='%23fff'%20stroke-width='2'/%3E"
                ),
            },
            Status::Warn => Self {
                class: "warn",
                mark: "!",
                word: "Degraded",
                icon: icon!(
                    "%3Cpath%20d='M8,0l8,15H0z'%20fill='%23bf8700'/%3E%3Cpath%20d='M8,5v5m0,1.5v2'%20stroke='%23fff'%20stroke-width='2'/%3E"
                ),
            },
            Status::Fail => Self {
                class: "fail",
                mark: "✕",
                word: "Failing",
                icon: icon!(
                    "%3Crect%20width='16'%20height='16'%20rx='3'%20fill='%23cf222e'/%3E%3Cpath%20d='m4.5,4.5,7,7m0-7-7,7'%20stroke='%23fff'%20stroke-width='2'/%3E"
                ),
            },
        }
    }
}
