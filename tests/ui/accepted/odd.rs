// The attributes accept this code, which is unusual but valid.
#![deny(warnings)]

use std::borrow::Cow;
use std::sync::Arc;

use healthcheck::{HealthCheck, env_section as section, health_check};

// These macros expand to a type or to an annotated function. The attributes have to accept code that macros have
// generated.
macro_rules! text {
    () => {
        &'static str
    };
}

macro_rules! annotated {
    ($item:item) => {
        #[health_check]
        $item
    };
}

macro_rules! pieces {
    ($(#[$meta:meta])* $vis:vis $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty $body:block, $text:literal, $limit:expr) => {
        $(#[$meta])*
        #[health_check(name = $text, timeout = $limit, tags($text))]
        $vis async fn $name($($arg: $ty),*) -> $ret $body
    };
}

#[health_check]
fn type_from_a_macro() -> text!() {
    "fine"
}

annotated! {
    /// The macro gets this function as one `item` fragment.
    pub fn whole_item(url: &String) -> bool {
        !url.is_empty()
    }
}

pieces! {
    /// The macro gets this function as separate fragments.
    #[inline]
    pub(crate) pieces(url: &String, own: String) -> Result<(), std::fmt::Error> { let _ = (url, own); Ok(()) }, "made of pieces", "2s"
}

// The attributes below have another name, a full path, brackets instead of parentheses, or a trailing comma.
#[section(name = "first",)]
fn one() -> u8 {
    1
}

#[healthcheck::health_check[liveness, startup,]]
fn brackets() {}

// The same function is both a check and a section.
#[health_check]
#[section]
fn both(url: &String) -> &str {
    url
}

// These checks have unusual types of parameters and results.
type Answer = Result<Cow<'static, str>, Box<dyn std::error::Error + Send + Sync>>;

#[health_check]
async fn alias(url: &'_ String) -> Answer {
    Ok(Cow::Owned(url.clone()))
}

#[health_check]
async fn borrowed(url: &String) -> &str {
    url
}

#[health_check]
fn hidden_within() -> Result<(bool, impl serde::Serialize), String> {
    Ok((true, [1, 2]))
}

#[health_check]
fn types(
    _pointer: fn(&str) -> bool,
    _boxed: &Box<dyn Fn(&str) -> Option<&str> + Send + Sync>,
    _bound: &Arc<dyn for<'a> Fn(&'a str) -> &'a str + Send + Sync>,
    _text: text!(),
    _array: &[u8; 2],
    (): (),
) {
}

// These functions are in unusual places, such as the value of a constant.
const _: () = {
    #[health_check]
    fn in_a_const() {}
};

pub trait Plugin {
    fn start() {
        #[health_check]
        async fn in_a_method_of_a_trait() {}
    }
}

mod r#mod {
    use super::*;

    #[health_check]
    pub(in super::r#mod) fn r#in() {}

    #[health_check]
    fn größe() -> bool {
        true
    }
}

fn main() {
    #[health_check]
    fn in_main() -> bool {
        let answer = 42;
        answer == 42
    }
    assert!(in_main());

    #[health_check]
    async fn at_the_end_of_a_block() {}

    let problem = HealthCheck::discover().err().map(|problem| problem.to_string());
    let problem = problem.unwrap_or_default();
    assert!(problem.contains("`made of pieces`") && problem.contains("`whole_item`"), "{problem}");
    let health = HealthCheck::builder()
        .provide(String::from("url"))
        .provide::<fn(&str) -> bool>(str::is_empty)
        .provide::<Box<dyn Fn(&str) -> Option<&str> + Send + Sync>>(Box::new(|text| Some(text)))
        .provide::<Arc<dyn for<'a> Fn(&'a str) -> &'a str + Send + Sync>>(Arc::new(|text| text))
        .provide("text")
        .provide([1_u8, 2])
        .provide(())
        .build();
    let health = health.unwrap_or_else(|problem| panic!("{problem}"));
    assert_eq!(health.checks().count(), 15);
}
