use healthcheck::Status;

/// How a status looks: a word for classes, a mark, a picture.
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
                icon: "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='8' fill='%231a7f37'/%3E%3Cpath d='m4 8.5 3 3 5-6' fill='none' stroke='%23fff' stroke-width='2'/%3E%3C/svg%3E",
            },
            Status::Warn => Self {
                class: "warn",
                mark: "!",
                word: "Degraded",
                icon: "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M8 0l8 15H0z' fill='%23bf8700'/%3E%3Cpath d='M8 5v5m0 1.5v2' stroke='%23fff' stroke-width='2'/%3E%3C/svg%3E",
            },
            Status::Fail => Self {
                class: "fail",
                mark: "✕",
                word: "Failing",
                icon: "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='3' fill='%23cf222e'/%3E%3Cpath d='m4.5 4.5 7 7m0-7-7 7' stroke='%23fff' stroke-width='2'/%3E%3C/svg%3E",
            },
        }
    }
}
