use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write;
use std::panic::{self, PanicHookInfo};
use std::thread;

use crate::redact::redact;

/// Returns a panic hook that prints the same as the standard hook, but redacts the message by the built-in rules.
///
/// The hook affects only the text that a panic prints to stderr. If a check panics, its result is redacted in any case.
/// `healthcheck_axum::serve` installs this hook if the program has set none. Otherwise install it with one line:
///
/// ```
/// std::panic::set_hook(healthcheck::panic_hook());
/// # drop(std::panic::take_hook());
/// ```
///
/// The hook prints a backtrace if `RUST_BACKTRACE` is set.
#[must_use = "give it to `std::panic::set_hook`"]
pub fn panic_hook() -> Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync + 'static> {
    Box::new(|info| {
        let told = describe(info, &Backtrace::capture());
        // If stderr is closed, we can't report the panic anywhere else. So we ignore the error.
        let _ = std::io::stderr().lock().write_all(told.as_bytes());
    })
}

/// Sets [`panic_hook`] if the program has set no panic hook. Returns true if it did.
///
/// If the program has set a hook, that hook stays, because it may report panics to another system.
#[allow(clippy::must_use_candidate, reason = "the service goes on either way")]
pub fn install_panic_hook() -> bool {
    if thread::panicking() {
        return false;
    }
    // std doesn't export its standard hook. But `take_hook` returns the standard hook if no hook is set, and the first
    // call here leaves no hook set. So `before` is the standard hook exactly if both pointers are equal.
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
