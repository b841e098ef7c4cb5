//! Reading a TOML file so that every mistake is told, each with its line and what is allowed there.
//!
//! It knows nothing of what the file is for.

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeFloat, DeInteger, DeTable, DeValue};

/// One mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what is allowed.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// A file's text and the mistakes found in it so far.
pub(super) struct Reading<'t> {
    text: &'t str,
    mistakes: RefCell<Vec<Mistake>>,
}

impl<'t> Reading<'t> {
    pub(super) const fn of(text: &'t str) -> Self {
        Self { text, mistakes: RefCell::new(Vec::new()) }
    }

    /// Parses as much as can be; what cannot is among the mistakes.
    pub(super) fn parse(&self) -> Spanned<DeTable<'t>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            self.mistake(at, error.message().to_owned());
        }
        table
    }

    pub(super) fn mistake(&self, at: usize, message: String) {
        let before = self.text.as_bytes().iter().take(at);
        let line = before.filter(|byte| **byte == b'\n').count() + 1;
        self.mistakes.borrow_mut().push(Mistake { line, message });
    }

    /// Gives the mistakes in the order of lines.
    pub(super) fn mistakes(self) -> Vec<Mistake> {
        let mut mistakes = self.mistakes.into_inner();
        mistakes.sort_by_key(|mistake| mistake.line);
        mistakes
    }
}

/// One table of the file. Every key must be asked for: those that were not are mistakes.
pub(super) struct Section<'r, 't> {
    pub(super) reading: &'r Reading<'t>,
    name: String,
    at: usize,
    table: &'r DeTable<'t>,
    known: RefCell<Vec<&'static str>>,
}

impl<'r, 't> Section<'r, 't> {
    pub(super) fn of(reading: &'r Reading<'t>, name: impl Into<String>, table: &'r Spanned<DeTable<'t>>) -> Self {
        let at = table.span().start;
        Self { reading, name: name.into(), at, table: table.get_ref(), known: RefCell::new(Vec::new()) }
    }

    /// Looks at a value as a table.
    pub(super) fn within(
        reading: &'r Reading<'t>,
        name: impl Into<String>,
        value: &'r Spanned<DeValue<'t>>,
    ) -> Option<Self> {
        let name = name.into();
        let at = value.span().start;
        let Some(table) = value.get_ref().as_table() else {
            reading.mistake(at, format!("{name} must be a table, not {}", shown(value.get_ref())));
            return None;
        };
        Some(Self { reading, name, at, table, known: RefCell::new(Vec::new()) })
    }

    /// Takes a key's value, whatever it is.
    pub(super) fn value(&self, key: &'static str) -> Option<&'r Spanned<DeValue<'t>>> {
        self.known.borrow_mut().push(key);
        self.table.get(key)
    }

    /// Takes all keys with their values: every key is allowed.
    pub(super) fn entries(
        &self,
    ) -> impl Iterator<Item = (&'r Spanned<std::borrow::Cow<'t, str>>, &'r Spanned<DeValue<'t>>)> {
        self.table.iter()
    }

    /// Notes a mistake at this table itself.
    pub(super) fn wrong(&self, message: impl fmt::Display) {
        self.reading.mistake(self.at, format!("{}: {message}", self.name));
    }

    /// Notes a mistake in a key's value.
    pub(super) fn wrong_value(&self, key: &str, value: &Spanned<DeValue<'_>>, why: impl fmt::Display) {
        self.reading.mistake(value.span().start, format!("{}{why}", self.path(key)));
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() { format!("{key} ") } else { format!("{}.{key} ", self.name) }
    }

    /// Takes a key's value by a function that says no to what is not allowed.
    fn take<T>(&self, key: &'static str, allowed: &str, read: impl FnOnce(&DeValue<'t>) -> Option<T>) -> Option<T> {
        let value = self.value(key)?;
        let taken = read(value.get_ref());
        if taken.is_none() {
            self.wrong_value(key, value, format_args!("must be {allowed}, not {}", shown(value.get_ref())));
        }
        taken
    }

    pub(super) fn text(&self, key: &'static str) -> Option<String> {
        self.take(key, "a text in quotes", |value| value.as_str().map(str::to_owned))
    }

    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        self.take(key, "true or false", DeValue::as_bool)
    }

    /// Takes a whole number within a type's range.
    pub(super) fn number<T: TryFrom<i64>>(&self, key: &'static str, allowed: &str) -> Option<T> {
        self.take(key, allowed, |value| whole(value).and_then(|number| T::try_from(number).ok()))
    }

    /// Takes a share, above 0 and up to 1.
    pub(super) fn fraction(&self, key: &'static str) -> Option<f64> {
        self.take(key, "a share above 0 and up to 1, like 0.25", |value| {
            let whole = value.as_integer().map(DeInteger::as_str);
            let text = value.as_float().map(DeFloat::as_str).or(whole);
            let share: f64 = text?.replace('_', "").parse().ok()?;
            (share > 0.0 && share <= 1.0).then_some(share)
        })
    }

    /// Takes a text that reads as something.
    pub(super) fn parsed<T: std::str::FromStr>(&self, key: &'static str, allowed: &str) -> Option<T> {
        self.take(key, allowed, |value| value.as_str()?.parse().ok())
    }

    /// Takes a text that a function reads.
    pub(super) fn read<T>(&self, key: &'static str, allowed: &str, read: fn(&str) -> Option<T>) -> Option<T> {
        self.take(key, allowed, |value| read(value.as_str()?))
    }

    pub(super) fn duration(&self, key: &'static str) -> Option<Duration> {
        self.read(key, "a time like \"200ms\", \"10s\" or \"30m\"", |text| crate::duration::parse(text).ok())
    }

    /// Takes a list whose every element is a text that reads as something.
    pub(super) fn list<T: std::str::FromStr>(&self, key: &'static str, allowed: &str) -> Option<Vec<T>> {
        let value = self.value(key)?;
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_value(key, value, format_args!("must be a list of {allowed}, not {}", shown(value.get_ref())));
            return None;
        };
        let mut list = Vec::with_capacity(array.len());
        for element in array {
            if let Some(item) = element.get_ref().as_str().and_then(|text| text.parse().ok()) {
                list.push(item);
            } else {
                let shown = shown(element.get_ref());
                self.wrong_value(key, element, format_args!("must hold {allowed}, not {shown}"));
            }
        }
        Some(list)
    }

    /// Notes the keys that nobody asked for.
    pub(super) fn finish(self) {
        let known = self.known.take();
        for (key, _) in self.table {
            if !known.iter().any(|known| *known == key.get_ref().as_ref()) {
                let place = if self.name.is_empty() { "here".into() } else { format!("in {}", self.name) };
                let message = format!("{} is not known {place}: {} are", key.get_ref(), known.join(", "));
                self.reading.mistake(key.span().start, message);
            }
        }
    }
}

fn whole(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(&integer.as_str().replace('_', ""), integer.radix()).ok()
}

/// Shows a value in a message, cut to what fits a line.
pub(super) fn shown(value: &DeValue<'_>) -> String {
    let cut = |text: &str| text.chars().take(60).collect::<String>();
    match value {
        DeValue::String(text) => format!("{:?}", cut(text)),
        DeValue::Integer(integer) => cut(integer.as_str()),
        DeValue::Float(float) => cut(float.as_str()),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(_) => "a date".into(),
        DeValue::Array(_) => "a list".into(),
        DeValue::Table(_) => "a table".into(),
    }
}
