use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write;
use std::panic::{self, PanicHookInfo};
use std::thread;

use crate::redact::redact;

/// Returns a panic hook that prints the same text as the standard hook, except that the built-in rules redact the
/// panic's message.
///
/// The hook affects only the text that a panic prints to stderr. If a check panics, reports redact its result even
/// without this hook.
///
/// `healthcheck_axum::serve` installs this hook if the program has set no other hook. If you don't call `serve`,
/// install the hook with one line:
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
        // If writing fails, stderr is closed, and we can't report the panic anywhere else. So we ignore the error.
        let _ = std::io::stderr().lock().write_all(told.as_bytes());
    })
}

/// Sets [`panic_hook`] as the panic hook if the program has set none. Returns true if the program had set none.
///
/// If the program has already set a hook, this function keeps that hook, because it may report panics to another
/// system.
#[allow(clippy::must_use_candidate, reason = "the service goes on either way")]
pub fn install_panic_hook() -> bool {
    if thread::panicking() {
        return false;
    }
    // std doesn't export its standard hook. The first `take_hook` returns the current hook and leaves no hook set. The
    // second `take_hook` finds no hook set, so it returns the standard hook.
    //
    // If the pointers to both hooks are equal, the current hook is the standard hook. This means that the program has
    // set no hook.
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
