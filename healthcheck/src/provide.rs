//! Stores the provided values by their types, and finds the values for the parameters of checks and sections.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The values passed to `.provide(value)`. The key of each value is its exact type.
#[derive(Clone, Default)]
pub(crate) struct Provided {
    values: HashMap<TypeId, Value>,
    /// The names of the types that were provided twice.
    doubled: Vec<&'static str>,
    /// The names of all provided types. The error about a type without a value lists these names.
    names: Vec<&'static str>,
}

#[derive(Clone)]
struct Value {
    value: Arc<dyn Any + Send + Sync>,
    name: &'static str,
    /// Whether a check or section has a parameter of this type.
    is_taken: Arc<AtomicBool>,
}

impl Provided {
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        let name = type_name::<T>();
        let value = Value {
            value: Arc::new(value),
            name,
            is_taken: Arc::default(),
        };
        match self.values.insert(TypeId::of::<T>(), value) {
            None => self.names.push(name),
            Some(_) if self.doubled.contains(&name) => {}
            Some(_) => self.doubled.push(name),
        }
    }

    /// Returns a problem for each type that was provided twice.
    pub(crate) fn problems(&self) -> Vec<String> {
        let doubled = self.doubled.iter();
        doubled
            .map(|name| {
                format!(
                    "a `{name}` is provided twice: wrap one of them in a type of its own, for example \
                     `struct Replica({name});`"
                )
            })
            .collect()
    }

    /// Returns a type that the error about a missing `T` suggests for the parameter, because a value of this type was
    /// provided.
    ///
    /// If an `Arc<T>` was provided, returns `&Arc<T>`. If `T` is `Arc<U>` and a `U` was provided, returns `&U`. In all
    /// other cases, returns `None`.
    fn instead_of<T: Send + Sync + 'static>(&self) -> Option<String> {
        let name = type_name::<T>();
        let inner = name.strip_prefix(ARC).and_then(|rest| rest.strip_suffix('>'));
        let bare = inner.filter(|inner| self.names.contains(inner));
        if self.values.contains_key(&TypeId::of::<Arc<T>>()) {
            Some(format!("&Arc<{}>", without_paths(name)))
        } else {
            bare.map(|inner| format!("&{}", without_paths(inner)))
        }
    }

    pub(crate) fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// Returns a warning for each provided type that no check or section has as a parameter.
    pub(crate) fn in_vain(&self) -> Vec<String> {
        let values = self.values.values();
        let mut names: Vec<_> = values
            .filter(|value| !value.is_taken.load(Ordering::Relaxed))
            .map(|value| value.name)
            .collect();
        names.sort_unstable();
        let sentence = |name| {
            format!(
                "a `{name}` is provided, and no check or section takes it: is the crate with its checks linked? Write \
                 `use my_checks as _;` with that crate's name"
            )
        };
        names.into_iter().map(sentence).collect()
    }

    fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let known = self.values.get(&TypeId::of::<T>())?;
        known.is_taken.store(true, Ordering::Relaxed);
        Arc::clone(&known.value).downcast().ok()
    }
}

impl fmt::Debug for Provided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(&self.names).finish()
    }
}

/// The prefix of the name that [`type_name`] returns for an `Arc`.
///
/// Rust doesn't guarantee this prefix. We use it only for a hint in an error message.
const ARC: &str = "alloc::sync::Arc<";

/// Removes the paths from a type's name: `alloc::vec::Vec<app::Db>` becomes `Vec<Db>`.
fn without_paths(name: &str) -> String {
    let mut short = String::with_capacity(name.len());
    for (index, part) in name.split("::").enumerate() {
        let prefix = short
            .trim_end_matches(|c: char| c.is_alphanumeric() || c == '_')
            .len();
        if prefix < short.len() {
            short.truncate(prefix);
        } else if index > 0 {
            // Keep a `::` that doesn't follow a path, as in `<T as Trait>::Name`.
            short += "::";
        }
        short += part;
    }
    short
}

/// The type of a parameter for which no value was provided.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) name: &'static str,
    /// The type that the error suggests for the parameter instead; `None` if no value of a similar type was provided.
    pub(crate) instead: Option<String>,
}

/// Finds the values for the parameters of one function. Records the type of each parameter for which no value was
/// provided.
#[derive(Debug)]
pub struct Binder<'a> {
    provided: &'a Provided,
    missing: Vec<Missing>,
}

impl<'a> Binder<'a> {
    pub(crate) const fn new(provided: &'a Provided) -> Self {
        Self {
            provided,
            missing: Vec::new(),
        }
    }

    /// Returns the provided value for a parameter `&T`. Records `T` as missing if no value of exactly this type was
    /// provided.
    pub fn shared<T: SharedDependency + ?Sized>(&mut self) -> Option<Shared<T>> {
        T::find(self).map(Shared)
    }

    /// Returns the provided value for a parameter `T`. Each run gets a clone of the value. Records `T` as missing if no
    /// value of exactly this type was provided.
    pub fn owned<T: SharedDependency + CloneDependency>(&mut self) -> Option<Owned<T>> {
        let value = T::find(self)?;
        Some(Owned {
            value,
            duplicate: T::duplicate,
        })
    }

    fn need<T: Send + Sync + 'static>(&mut self) -> Option<Arc<T>> {
        let found = self.provided.get();
        let name = type_name::<T>();
        if found.is_none() && self.missing.iter().all(|missing| missing.name != name) {
            let instead = self.provided.instead_of::<T>();
            self.missing.push(Missing { name, instead });
        }
        found
    }

    pub(crate) fn into_missing(self) -> Vec<Missing> {
        self.missing
    }
}

/// The types that a parameter `&T` may have. For any other type, the attribute `on_unimplemented` sets the text of the
/// compiler's error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a dependency",
    label = "not `Send + Sync`, or not sized",
    note = "runs share it between threads: take a type that is `Send + Sync`, like `Mutex<T>` in the place of `RefCell<T>` and `Arc<T>` in the place of `Rc<T>`, and sized, like `PathBuf` in the place of `Path`"
)]
pub trait SharedDependency: Send + Sync + 'static {
    /// Returns the provided value of this type.
    ///
    /// Only sized types implement this trait, because the lookup needs a sized type. [`Binder::shared`] has no `Sized`
    /// bound: with this bound, an unsized type would cause two compiler errors instead of one.
    fn find(binder: &mut Binder<'_>) -> Option<Arc<Self>>;
}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> SharedDependency for T {
    fn find(binder: &mut Binder<'_>) -> Option<Arc<Self>> {
        binder.need()
    }
}

/// The types that a parameter `T` may have, if they also implement [`SharedDependency`]. For a type without `Clone`,
/// the attribute `on_unimplemented` sets the text of the compiler's error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a dependency by value, it isn't `Clone`",
    label = "every run gets a clone of its own",
    note = "take `&{Self}`, or implement `Clone`, or provide and take an `Arc` of it"
)]
pub trait CloneDependency {
    /// Returns a clone.
    #[must_use]
    fn duplicate(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> CloneDependency for T {
    fn duplicate(&self) -> Self {
        self.clone()
    }
}

/// A provided value for a parameter of type `&T`. Each run borrows the value.
///
/// The methods have no bounds on `T`. With bounds, a wrong `T` would cause three compiler errors instead of one.
#[derive(Debug)]
pub struct Shared<T: ?Sized>(Arc<T>);

impl<T: ?Sized> Shared<T> {
    /// Returns another handle to the same value. Each run has its own handle.
    #[must_use]
    pub fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    /// Returns the argument for the parameter `&T`: a reference to the value.
    #[must_use]
    pub fn get(&self) -> &T {
        &self.0
    }
}

/// A provided value for a parameter of type `T`. Each run gets a clone of the value.
///
/// The methods have no bounds on `T`. With bounds, a wrong `T` would cause three compiler errors instead of one.
#[derive(Debug)]
pub struct Owned<T> {
    value: Arc<T>,
    duplicate: fn(&T) -> T,
}

impl<T> Owned<T> {
    /// Returns another handle to the same value. Each run has its own handle.
    #[must_use]
    pub fn share(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            duplicate: self.duplicate,
        }
    }

    /// Returns the argument for the parameter `T`: a clone of the value.
    #[must_use]
    pub fn get(&self) -> T {
        (self.duplicate)(&self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_exact_type_only() {
        let mut provided = Provided::default();
        provided.insert::<Arc<dyn fmt::Debug + Send + Sync>>(Arc::new(5_u8));
        let mut binder = Binder::new(&provided);
        assert!(binder.shared::<Arc<dyn fmt::Debug + Send + Sync>>().is_some());
        assert!(binder.owned::<u8>().is_none());
        let [missing] = &*binder.into_missing() else {
            panic!("one is missing");
        };
        assert_eq!((missing.name, missing.instead.as_deref()), ("u8", None));
    }

    #[test]
    fn the_arc_of_a_missing_type_is_what_to_take_and_the_other_way_round() {
        let mut provided = Provided::default();
        provided.insert(Arc::new(vec![Some(5_u8)]));
        provided.insert(6_u16);
        let mut binder = Binder::new(&provided);
        assert!(binder.shared::<Vec<Option<u8>>>().is_none());
        assert!(binder.shared::<Arc<u16>>().is_none());
        let instead: Vec<_> = binder.into_missing().into_iter().map(|it| it.instead).collect();
        assert_eq!(
            instead,
            [Some("&Arc<Vec<Option<u8>>>".to_owned()), Some("&u16".to_owned())]
        );
    }

    #[test]
    fn a_type_provided_twice_is_noted_once() {
        let mut provided = Provided::default();
        for value in 0..3_u8 {
            provided.insert(value);
        }
        let problems = provided.problems();
        assert_eq!(problems.len(), 1);
        assert!(
            problems[0].starts_with("a `u8` is provided twice"),
            "{problems:?}"
        );
    }
}
