//! The `[google]` table and `durability`, as they stand in the file.

use super::Durability;
use super::reader::Section;
use crate::google::{Credentials, Endpoints, Google};

pub(super) fn read(section: &Section<'_, '_>) -> Option<Google> {
    let within = Section::within(section.reading, "google", section.value("google")?)?;
    let project = within.read("project", "a project's id like \"example-project\"", |text| id(text, "-.:"));
    if project.is_none() {
        within.wrong("needs the project's id: project = \"example-project\"");
    }
    let google = Google {
        project: project.unwrap_or_default(),
        credentials: within.text("credentials").map_or(Credentials::Default, |text| credentials(&text)),
        dataset: within.read("dataset", "letters, digits and underscores", |text| id(text, "_")),
        folder: within.read("folder", "a Drive folder's id or address", folder),
        location: within.read("location", "a place like \"EU\" or \"europe-west3\"", |text| id(text, "-")),
        endpoints: endpoints(&within),
    };
    within.finish();
    Some(google)
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
