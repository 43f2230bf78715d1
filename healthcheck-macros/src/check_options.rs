//! Interprets the options of `#[health_check(…)]`.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Error, LitStr, Path, Result};

use crate::args::{self, Arg};
use crate::problems::Problems;
use crate::{duration, rules};

/// The parsed options of one `#[health_check(…)]`.
#[derive(Default)]
pub(crate) struct CheckOptions {
    pub(crate) krate: Option<Path>,
    pub(crate) name: Option<LitStr>,
    pub(crate) depends_on: Vec<LitStr>,
    /// The options to pass to the crate `healthcheck`, by key. That crate uses its default for every option that isn't
    /// here.
    given: Vec<(String, Given)>,
}

/// How to read the value of an option.
#[derive(Clone, Copy)]
enum Key {
    Crate,
    Name,
    DependsOn,
    /// Read the value with this function, and add it to `CheckOptions::given`.
    Of(fn(&Arg) -> Result<Given>),
}

/// The tokens of a value of the enum `healthcheck::__private::Given`, such as `Flag(true)`. The path of the enum isn't
/// part of the tokens.
struct Given(TokenStream);

/// The key of every option of `#[health_check]`, and how to read its value. The crate `healthcheck` has a table with
/// the same keys.
const OPTIONS: [(&str, Key); 20] = [
    ("name", Key::Name),
    ("liveness", Key::Of(flag)),
    ("readiness", Key::Of(flag)),
    ("startup", Key::Of(flag)),
    // Example: `tags("cache", "external")`
    ("tags", Key::Of(tags)),
    // Example: `critical = false`
    ("critical", Key::Of(boolean)),
    ("timeout", Key::Of(timeout)),
    ("success_ttl", Key::Of(|arg| ttl(arg, "27s"))),
    ("failed_ttl", Key::Of(|arg| ttl(arg, "9s"))),
    ("interval", Key::Of(interval)),
    ("initial_delay", Key::Of(initial_delay)),
    // Example: `failure_threshold = 3`
    ("failure_threshold", Key::Of(count)),
    ("success_threshold", Key::Of(count)),
    ("warn_threshold", Key::Of(count)),
    ("fail_after", Key::Of(fail_after)),
    // Example: `depends_on("dns")`
    ("depends_on", Key::DependsOn),
    ("external", Key::Of(flag)),
    ("owner", Key::Of(|arg| label(arg, "the orders team"))),
    (
        "runbook",
        Key::Of(|arg| label(arg, "https://runbooks.example/redis")),
    ),
    // Example: `crate = path::to::healthcheck`
    ("crate", Key::Crate),
];

impl CheckOptions {
    pub(crate) fn parse(tokens: TokenStream, problems: &mut Problems) -> Self {
        let args = args::parse("health_check", &OPTIONS, tokens, problems);
        let mut options = Self::default();
        for (arg, key) in &args {
            problems.keep(options.read(arg, *key));
        }
        refuse_contradictions(&args, problems);
        options
    }

    fn read(&mut self, arg: &Arg, key: Key) -> Result<()> {
        match key {
            Key::Crate => self.krate = Some(arg.path()?),
            Key::Name => self.name = Some(check_name(arg.text("redis")?)?),
            Key::DependsOn => {
                self.depends_on = distinct(arg.texts()?, check_name)?;
                self.give("depends_on", texts(&self.depends_on));
            }
            Key::Of(read) => self.give(&arg.key.to_string(), read(arg)?),
        }
        Ok(())
    }

    /// Sets the option `when_it_fails` to the text below the heading `# When it fails` in the doc comment.
    pub(crate) fn when_it_fails(&mut self, text: Option<&str>) {
        if let Some(text) = text {
            self.give("when_it_fails", Given(quote!(Text(#text))));
        }
    }

    fn give(&mut self, key: &str, value: Given) {
        self.given.push((key.to_owned(), value));
    }

    /// Generates an expression that builds the `CheckOptions` of the crate `healthcheck`.
    pub(crate) fn tokens(&self, krate: &Path) -> TokenStream {
        let private = quote!(#krate::__private);
        let given = self.given.iter();
        let given = given.map(|(key, Given(value))| quote!((#key, #private::Given::#value)));
        quote!(#private::options(&[#(#given),*]))
    }
}

/// Rejects options that are valid by themselves but contradict each other, such as `interval` and `success_ttl`.
fn refuse_contradictions(args: &[(Arg, Key)], problems: &mut Problems) {
    let written = |key: &str| {
        args.iter()
            .map(|(arg, _)| &arg.key)
            .find(|written| *written == key)
    };
    let mut refuse = |guilty: Option<&Ident>, message: &str| {
        if let Some(guilty) = guilty {
            problems.refuse(guilty, message);
        }
    };
    if written("interval").is_some() {
        for ttl in ["success_ttl", "failed_ttl"] {
            let message =
                format!("`{ttl}` says nothing beside `interval`: a result is kept until the next run");
            refuse(written(ttl), &message);
        }
    } else {
        let message = "`initial_delay` says nothing without `interval`: the check runs when it is asked for";
        refuse(written("initial_delay"), message);
    }
    if args
        .iter()
        .any(|(arg, _)| arg.key == "liveness" && arg.flag().is_ok())
    {
        let message = "an `external` check cannot belong to `liveness`: a restart doesn't repair what lies outside of the process";
        refuse(written("external"), message);
    }
}

fn flag(arg: &Arg) -> Result<Given> {
    arg.flag().map(|yes| Given(quote!(Flag(#yes))))
}

fn boolean(arg: &Arg) -> Result<Given> {
    arg.boolean().map(|yes| Given(quote!(Flag(#yes))))
}

fn count(arg: &Arg) -> Result<Given> {
    arg.count().map(|count| Given(quote!(Count(#count))))
}

fn label(arg: &Arg, example: &str) -> Result<Given> {
    let text = arg.text(example)?;
    match rules::label(&format!("`{}`", arg.key), &text.value()) {
        Ok(()) => Ok(Given(quote!(Text(#text)))),
        Err(problem) => Err(Error::new(text.span(), problem)),
    }
}

fn tags(arg: &Arg) -> Result<Given> {
    let tags = distinct(arg.texts()?, |tag| match rules::tag(&tag.value()) {
        Ok(()) => Ok(tag),
        Err(problem) => Err(Error::new(tag.span(), problem)),
    });
    Ok(texts(&tags?))
}

fn texts(texts: &[LitStr]) -> Given {
    Given(quote!(Texts(&[#(#texts),*])))
}

fn check_name(name: LitStr) -> Result<LitStr> {
    match rules::check_name(&name.value()) {
        Ok(()) => Ok(name),
        Err(problem) => Err(Error::new(name.span(), problem)),
    }
}

/// Validates each text with `rule`, and rejects a text that occurs twice.
fn distinct(texts: Vec<LitStr>, rule: fn(LitStr) -> Result<LitStr>) -> Result<Vec<LitStr>> {
    let mut problems = Problems::default();
    let mut distinct: Vec<LitStr> = Vec::new();
    for text in texts {
        if distinct.iter().any(|earlier| earlier.value() == text.value()) {
            problems.refuse(&text, format!("`{}` is listed more than once", text.value()));
        } else {
            distinct.extend(problems.keep(rule(text)));
        }
    }
    problems.into_result(distinct)
}

/// Reads a timeout such as `"2s"`. `"none"` means that a run has no timeout.
fn timeout(arg: &Arg) -> Result<Given> {
    let literal = arg.text("2s")?;
    match duration::optional(&literal)? {
        Some(Duration::ZERO) => {
            let message = "a time limit of zero lets no run pass: write \"none\" for no limit";
            Err(Error::new(literal.span(), message))
        }
        limit => Ok(time(limit)),
    }
}

/// Reads a TTL such as `"27s"`. `"none"` means that the result isn't cached.
fn ttl(arg: &Arg, example: &str) -> Result<Given> {
    duration::optional(&arg.text(example)?).map(time)
}

fn interval(arg: &Arg) -> Result<Given> {
    let instead = "leave `interval` out for a check that runs when it is asked for";
    positive(arg, "10s", instead)
}

fn initial_delay(arg: &Arg) -> Result<Given> {
    positive(arg, "1s", "leave `initial_delay` out for a first run at once")
}

fn fail_after(arg: &Arg) -> Result<Given> {
    positive(
        arg,
        "60s",
        "leave `fail_after` out for a check that fails at once",
    )
}

fn positive(arg: &Arg, example: &str, instead: &str) -> Result<Given> {
    duration::positive(&arg.text(example)?, instead).map(|positive| time(Some(positive)))
}

fn time(time: Option<Duration>) -> Given {
    let Some(time) = time else {
        return Given(quote!(None));
    };
    let (seconds, nanos) = (time.as_secs(), time.subsec_nanos());
    Given(quote!(Time(#seconds, #nanos)))
}
