//! The `[google]` table and `durability`, as they stand in the file.

use super::Durability;
use super::reader::Section;
use crate::google::{Credentials, Endpoints, Google};

/// The most that an answer of history may be charged as, unless set: a month of some hundred million samples.
const HISTORY_MAX_BYTES: u64 = 10_000_000_000;
/// The least that may be set: below it, every question would be refused.
const LEAST_HISTORY_BYTES: u64 = 100_000_000;

pub(super) fn read(section: &Section<'_, '_>) -> Option<Google> {
    let within = Section::within(section.reading, "google", section.value("google")?)?;
    let project = within.read("project", "a project's id like \"example-project\"", |text| id(text, "-.:"));
    if project.is_none() {
        within.wrong("needs the project's id: project = \"example-project\"");
    }
    let history = history(&within);
    let google = Google {
        project: project.unwrap_or_default(),
        credentials: within.text("credentials").map_or(Credentials::Default, |text| credentials(&text)),
        dataset: within.read("dataset", "letters, digits and underscores", |text| id(text, "_")),
        folder: within.read("folder", "a Drive folder's id or address", folder),
        location: within.read("location", "a place like \"EU\" or \"europe-west3\"", |text| id(text, "-")),
        history_max_bytes: history,
        endpoints: endpoints(&within),
    };
    if google.history_max_bytes.is_some() && google.dataset.is_none() {
        within.wrong("history = \"bigquery\" needs the dataset that history is in: dataset = \"cnc\"");
    }
    within.finish();
    Some(google)
}

/// Gives the most bytes that an answer of history may be charged as, where BigQuery is to give it.
fn history(section: &Section<'_, '_>) -> Option<u64> {
    let read = |text: &str| match text {
        "store" => Some(false),
        "bigquery" => Some(true),
        _ => None,
    };
    let is_there = section.read("history", "\"store\" or \"bigquery\"", read).unwrap_or(false);
    let most =
        section.number::<u64>("history_max_bytes", "whole bytes, like 10_000_000_000").unwrap_or(HISTORY_MAX_BYTES);
    if most < LEAST_HISTORY_BYTES {
        section.wrong(
            "history_max_bytes must be 100_000_000 at the least: BigQuery charges 10 MB for each table looked at",
        );
    }
    is_there.then_some(most)
}

/// Takes what can stand in an address as it is.
fn id(text: &str, also: &str) -> Option<String> {
    let fits = |sign: char| sign.is_ascii_alphanumeric() || also.contains(sign);
    (!text.is_empty() && text.chars().all(fits)).then(|| text.to_owned())
}

/// Takes a folder's id, alone or in the address that a browser shows.
fn folder(text: &str) -> Option<String> {
    let named = text.rsplit_once("/folders/").map_or(text, |(_, rest)| rest.split(['?', '/']).next().unwrap_or(rest));
    id(named, "-_")
}

fn credentials(text: &str) -> Credentials {
    match text {
        "default" => Credentials::Default,
        "metadata" => Credentials::Metadata,
        file => Credentials::File(file.into()),
    }
}

fn endpoints(section: &Section<'_, '_>) -> Endpoints {
    let mut endpoints = Endpoints::default();
    let table =
        section.value("endpoints").and_then(|value| Section::within(section.reading, "google.endpoints", value));
    let Some(within) = table else { return endpoints };
    let places = [
        ("bigquery", &mut endpoints.bigquery),
        ("storage", &mut endpoints.storage),
        ("drive", &mut endpoints.drive),
        ("metadata", &mut endpoints.metadata),
    ];
    for (key, place) in places {
        if let Some(url) = within.read(key, "http://… or https://…", super::file::url) {
            url.trim_end_matches('/').clone_into(place);
        }
    }
    within.finish();
    endpoints
}

pub(super) fn durability(section: &Section<'_, '_>) -> Durability {
    let read = |text: &str| match text {
        "local" => Some(Durability::Local),
        "bigquery" => Some(Durability::BigQuery),
        _ => None,
    };
    section.read("durability", "\"local\" or \"bigquery\"", read).unwrap_or_default()
}
