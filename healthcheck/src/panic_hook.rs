use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write;
use std::panic::{self, PanicHookInfo};
use std::thread;

use crate::redact::redact;

/// A panic hook that prints what the standard one prints, with the secrets in the message hidden by the built-in rules.
///
/// The result of a check that panics is redacted in any case; this is about what the panic itself prints to stderr.
/// `healthcheck_axum::serve` installs it where no hook was set; elsewhere it takes one line:
///
/// ```
/// std::panic::set_hook(healthcheck::panic_hook());
/// # drop(std::panic::take_hook());
/// ```
///
/// A backtrace is printed where `RUST_BACKTRACE` asks for one.
#[must_use = "give it to `std::panic::set_hook`"]
pub fn panic_hook() -> Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync + 'static> {
    Box::new(|info| {
        let told = describe(info, &Backtrace::capture());
        // Nobody is left to tell that stderr is closed.
        let _ = std::io::stderr().lock().write_all(told.as_bytes());
    })
}

/// Sets [`panic_hook`] where no hook has been set; gives whether it did.
///
/// What was set before stays: a service that reports its panics elsewhere goes on doing so.
#[allow(clippy::must_use_candidate, reason = "the service goes on either way")]
pub fn install_panic_hook() -> bool {
    if thread::panicking() {
        return false;
    }
    // The standard hook can't be asked for by name. What `take_hook` gives while none is set is it, so the hook that was
    // there is the standard one exactly if both are the same code.
    let before = panic::take_hook();
    let standard = panic::take_hook();
    #[allow(
        ambiguous_wide_pointer_comparisons,
        reason = "closures without captures differ in nothing else"
    )]
    let none_was_set = std::ptr::eq(&raw const *before, &raw const *standard);
    panic::set_hook(if none_was_set { panic_hook() } else { before });
    none_was_set
}

fn describe(info: &PanicHookInfo<'_>, backtrace: &Backtrace) -> String {
    let thread = thread::current();
    let name = thread.name().unwrap_or("<unnamed>");
    let text = info.payload().downcast_ref::<&str>().copied();
    let message = text.or_else(|| info.payload().downcast_ref::<String>().map(String::as_str));
    let message = message.unwrap_or("Box<dyn Any>");
    let at = info.location().map(|at| format!(" at {at}")).unwrap_or_default();
    let mut told = format!("\nthread '{name}' panicked{at}:\n{}\n", redact(message));
    match backtrace.status() {
        BacktraceStatus::Captured => told.push_str(&format!("stack backtrace:\n{backtrace}\n")),
        _ => told.push_str("note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n"),
    }
    told
}
