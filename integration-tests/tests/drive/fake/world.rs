//! What the fake holds, and what it was told to do wrong. It knows no HTTP.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use cnc_integration_tests::random::Random;
use serde_json::{Value, json};
use tokio::sync::watch;

/// The folder, which somebody else made in a shared drive.
pub(crate) const FOLDER: &str = "1Folder-of_the-team";
/// The shared drive.
pub(crate) const DRIVE: &str = "0Drive";
pub(crate) const DOCUMENT: &str = "application/vnd.google-apps.document";
/// Answers after which the search knows of a new file.
const SEARCH_LAG: u64 = 4;

/// What the listener's account may do in the shared drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// It is no member.
    Stranger,
    Viewer,
    Contributor,
    ContentManager,
    Manager,
}

/// What goes wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is refused with a status and Google's reason.
    Refuse(u16, &'static str),
    /// Something in between answers, not Google.
    Gateway(u16),
    /// It is done, and the answer breaks off.
    HalfAnswer,
    /// Of an upload's bytes so many are taken; of anything else nothing.
    Take(usize),
    /// As `Take`, and no answer ever comes: the connection stays as it is until either side is gone.
    Hold(usize),
}

/// A file.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) mime: String,
    pub(crate) parents: Vec<String>,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) content: Vec<u8>,
    pub(crate) trashed: bool,
    /// How often it got contents.
    pub(crate) revisions: usize,
    /// Whether this account made it.
    pub(crate) own: bool,
    searchable_from: u64,
}

/// An upload that was opened.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    /// What the file is to be; of an update its id.
    pub(crate) about: Result<Value, String>,
    pub(crate) length: usize,
    pub(crate) fields: Option<String>,
    pub(crate) taken: Vec<u8>,
    /// The answer, once it is whole.
    pub(crate) done: Option<String>,
}

/// Everything.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) files: BTreeMap<String, File>,
    pub(crate) uploads: BTreeMap<String, Upload>,
    /// Tokens and the scopes that they carry.
    pub(crate) tokens: BTreeMap<String, String>,
    /// The scopes of the machine's own tokens.
    pub(crate) machine_scopes: String,
    pub(crate) role: Role,
    /// What goes wrong with the next requests, in order; `None` nothing.
    pub(crate) faults: VecDeque<Option<Fault>>,
    /// What goes wrong by chance: once in so many requests.
    pub(crate) chance: Option<(Random, u64)>,
    /// What every use of Drive is refused with.
    pub(crate) refuse_all: Option<(u16, &'static str, &'static str)>,
    /// Whether the service account still has the key that assertions are signed with.
    pub(crate) knows_key: bool,
    /// How far the listener's clock is ahead of the token server's, in seconds.
    pub(crate) clock_ahead_s: i64,
    /// Whether there is room for another file.
    pub(crate) has_room: bool,
    pub(crate) requests: u64,
    /// The request that is held, by its number: done as far as a number says, and never answered.
    pub(crate) hold_at: Option<(u64, usize)>,
    /// Requests that were held, and never answered.
    pub(crate) held: u64,
    /// Changes with each request, and with whatever else tells of it.
    pub(crate) news: watch::Sender<u64>,
    made: u64,
}

impl Default for World {
    fn default() -> Self {
        let folder = File {
            name: "Network checks".into(),
            mime: "application/vnd.google-apps.folder".into(),
            parents: vec![DRIVE.into()],
            properties: BTreeMap::new(),
            content: Vec::new(),
            trashed: false,
            revisions: 0,
            own: false,
            searchable_from: 0,
        };
        Self {
            address: ([127, 0, 0, 1], 0).into(),
            files: BTreeMap::from([(FOLDER.to_owned(), folder)]),
            uploads: BTreeMap::new(),
            tokens: BTreeMap::new(),
            machine_scopes: "https://www.googleapis.com/auth/drive".into(),
            role: Role::Manager,
            faults: VecDeque::new(),
            chance: None,
            refuse_all: None,
            knows_key: true,
            clock_ahead_s: 0,
            has_room: true,
            requests: 0,
            hold_at: None,
            held: 0,
            news: watch::Sender::default(),
            made: 0,
        }
    }
}

impl World {
    /// Gives an id that no other thing has.
    pub(crate) fn new_id(&mut self, what: &str) -> String {
        self.made += 1;
        format!("{what}{}", self.made)
    }

    /// Gives what goes wrong with this request.
    pub(crate) fn next_fault(&mut self) -> Option<Fault> {
        self.requests += 1;
        self.news.send_modify(|news| *news += 1);
        if let Some((_, most)) = self.hold_at.take_if(|(number, _)| *number <= self.requests) {
            return Some(Fault::Hold(most));
        }
        if let Some(told) = self.faults.pop_front() {
            return told;
        }
        let (random, times) = self.chance.as_mut()?;
        random.once_in(*times).then(|| match random.below(7) {
            0 => Fault::Refuse(429, "rateLimitExceeded"),
            1 => Fault::Refuse(403, "userRateLimitExceeded"),
            2 => Fault::Refuse(500, "internalError"),
            3 => Fault::Gateway(502),
            4 => Fault::Refuse(401, "authError"),
            5 => Fault::HalfAnswer,
            _ => Fault::Take(random.place(20_000)),
        })
    }

    /// Gives how many bytes the next request takes, where that was told: what comes behind them is not waited for.
    pub(crate) fn most_taken_next(&self) -> Option<usize> {
        match (self.hold_at, self.faults.front()) {
            (Some((number, most)), _) if number <= self.requests + 1 => Some(most),
            (_, Some(Some(Fault::Take(most) | Fault::Hold(most)))) => Some(*most),
            _ => None,
        }
    }

    /// Gives the documents of a session that are not in the trash.
    pub(crate) fn documents(&self, session: &str) -> Vec<(String, File)> {
        let of_session = |file: &File| file.properties.get("cncSession").is_some_and(|id| id == session);
        let files = self.files.iter().filter(|(_, file)| of_session(file) && !file.trashed);
        files.map(|(id, file)| (id.clone(), file.clone())).collect()
    }

    /// Gives all files but the folder.
    pub(crate) fn count(&self) -> usize {
        self.files.len() - usize::from(self.files.contains_key(FOLDER))
    }

    /// Makes a file of metadata and contents.
    pub(crate) fn make(&mut self, about: &Value, content: Vec<u8>) -> String {
        let text = |key: &str| about[key].as_str().unwrap_or_default().to_owned();
        let strings = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let properties = about["appProperties"].as_object().into_iter().flatten();
        let file = File {
            name: text("name"),
            mime: text("mimeType"),
            parents: about["parents"].as_array().into_iter().flatten().map(strings).collect(),
            properties: properties.map(|(key, value)| (key.clone(), strings(value))).collect(),
            content,
            trashed: false,
            revisions: 1,
            own: true,
            searchable_from: self.requests + SEARCH_LAG,
        };
        let id = self.new_id("file");
        self.files.insert(id.clone(), file);
        id
    }

    /// Gives the files that a query asks for, the oldest first. Those that are too new are not known yet.
    pub(crate) fn search(&self, query: &Query) -> Vec<String> {
        let fits = |file: &File| {
            query.parent.as_ref().is_none_or(|parent| file.parents.contains(parent))
                && query.trashed.is_none_or(|trashed| file.trashed == trashed)
                && query.property.as_ref().is_none_or(|(key, value)| file.properties.get(key) == Some(value))
        };
        let known = self.files.iter().filter(|(_, file)| file.searchable_from <= self.requests && fits(file));
        known.map(|(id, _)| id.clone()).collect()
    }

    /// Tells of a file as Drive does.
    pub(crate) fn about(&self, id: &str, fields: Option<&str>) -> Value {
        let file = &self.files[id];
        let all = json!({
            "kind": "drive#file", "id": id, "name": file.name, "mimeType": file.mime, "trashed": file.trashed,
            "parents": file.parents, "appProperties": file.properties, "driveId": DRIVE,
            "webViewLink": format!("https://docs.google.com/document/d/{id}/edit?usp=drivesdk"),
        });
        let wanted: Vec<&str> = fields.unwrap_or("kind,id,name,mimeType").split(',').collect();
        let kept = all.as_object().expect("it works here").iter().filter(|(key, _)| wanted.contains(&key.as_str()));
        Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

/// A search in Drive's language, as far as it is used.
#[derive(Debug, Default)]
pub(crate) struct Query {
    parent: Option<String>,
    trashed: Option<bool>,
    property: Option<(String, String)>,
}

impl Query {
    /// Reads one; `None` for what the language does not have.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let quoted = |text: &str| Some(text.trim().strip_prefix('\'')?.strip_suffix('\'')?.to_owned());
        let mut query = Self::default();
        let mut rest = text.to_owned();
        if let Some((before, after)) = text.split_once("appProperties has {") {
            let (inside, after) = after.split_once('}')?;
            let (key, value) = inside.split_once(" and ")?;
            query.property =
                Some((quoted(key.trim().strip_prefix("key=")?)?, quoted(value.trim().strip_prefix("value=")?)?));
            rest = format!("{before}{}", after.trim().strip_prefix("and ").unwrap_or(after));
        }
        for term in rest.split(" and ").map(str::trim).filter(|term| !term.is_empty()) {
            match term.split_once(" in parents") {
                Some((parent, "")) => query.parent = Some(quoted(parent)?),
                _ => query.trashed = Some(term.strip_prefix("trashed = ")?.parse().ok()?),
            }
        }
        Some(query)
    }
}
