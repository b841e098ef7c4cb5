//! The journal of a session: every item that the listener may not have yet, in a file of the client's folder.
//!
//! It is written as items are made and before they are sent, so that a client that is killed goes on where it was,
//! and what cannot be delivered now can be later. Nothing is forced to the disk: what was written survives the end of
//! the program in whatever way, but a power cut costs what the system had not brought to the disk by then (half a
//! minute on Linux). A tail that is cut or damaged is dropped as it is opened; what comes back is a whole beginning.
//! It decides nothing about sessions and says nothing to anybody.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use cnc_model::message::{Batch, MAX_BATCH_ITEMS};
use cnc_model::{Item, Sequence};

use self::contents::Trim;
use self::frame::{MAGIC, Record, decode, encode};
use crate::backlog::{MAX_IN_MEMORY, Waiting};

mod contents;
mod frame;

pub use contents::Contents;

/// The largest file that is read back: more than a full backlog with all that is dead in it. A larger one is none of
/// this program's.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// A journal.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    /// Where the items are that the listener may not have.
    spots: VecDeque<Spot>,
    /// Where the next record goes.
    end: u64,
    contents: Contents,
    /// The dead bytes at which rewriting failed the last time: it is not tried again before there are twice as many.
    tried: u64,
}

/// Where some items are.
#[derive(Debug, Clone, Copy)]
struct Spot {
    last: Sequence,
    at: u64,
    length: usize,
}

impl Journal {
    /// Opens a journal, or begins one; what is left of an earlier run is kept. Only one program may have it open.
    ///
    /// # Errors
    /// Fails when the file cannot be read or written.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = open(path, false)?;
        let mut bytes = Vec::new();
        if file.metadata()?.len() <= MAX_FILE_BYTES {
            file.read_to_end(&mut bytes)?;
        }
        let mut journal = Self {
            file,
            path: path.to_owned(),
            spots: VecDeque::new(),
            end: MAGIC.len() as u64,
            contents: Contents::default(),
            tried: 0,
        };
        if let Some(records) = bytes.strip_prefix(MAGIC) {
            journal.take_in(records);
        } else {
            journal.file.set_len(0)?;
            journal.file.rewind()?;
            journal.file.write_all(MAGIC)?;
        }
        journal.cut()?;
        Ok(journal)
    }

    fn take_in(&mut self, mut records: &[u8]) {
        while let Some((record, length)) = decode(records) {
            if !self.contents.take(&record) {
                return;
            }
            if let Record::Items(batch) = record {
                self.spots.push_back(Spot { last: batch.last(), at: self.end, length });
            }
            self.end += length as u64;
            records = &records[length..];
        }
    }

    /// Drops what lies behind the last whole record.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.end)?;
        self.file.seek(SeekFrom::Start(self.end))?;
        self.drop_spots();
        Ok(())
    }

    /// Gives what its records amount to.
    #[must_use]
    pub const fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Gives what waits to be acknowledged.
    ///
    /// # Errors
    /// Fails when the file cannot be read.
    pub fn waiting(&mut self) -> io::Result<Waiting> {
        let Contents { acknowledged, last, .. } = self.contents;
        let count = usize::try_from(last.get() - acknowledged.get()).unwrap_or(usize::MAX);
        let mut items = Vec::new();
        while items.len() < count.min(MAX_IN_MEMORY) {
            let more = self.read(acknowledged.plus(items.len() as u64 + 1))?;
            items.extend(more);
        }
        items.truncate(MAX_IN_MEMORY);
        Ok(Waiting { acknowledged, more: count - items.len(), items })
    }

    /// Reads items back, from one on: at least that one, and what was written beside it.
    ///
    /// # Errors
    /// Fails when the file cannot be read, or has no such item.
    pub fn read(&mut self, first: Sequence) -> io::Result<Vec<Item>> {
        let missing = || io::Error::new(io::ErrorKind::InvalidData, "the journal does not hold what it should");
        let place = self.spots.partition_point(|spot| spot.last < first);
        let Spot { at, length, .. } = *self.spots.get(place).ok_or_else(missing)?;
        let mut bytes = vec![0; length];
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(&mut bytes)?;
        let Some((Record::Items(Batch { first: found, mut items }), _)) = decode(&bytes) else { return Err(missing()) };
        let before = usize::try_from(first.get().saturating_sub(found.get())).unwrap_or(usize::MAX);
        items.drain(..before.min(items.len()));
        if found > first || items.is_empty() { Err(missing()) } else { Ok(items) }
    }

    /// Writes items down, and up to where the listener has them.
    ///
    /// # Errors
    /// Fails when the file cannot be written; nothing of it counts as written then.
    pub fn write(&mut self, items: Option<(Sequence, Vec<Item>)>, through: Sequence) -> io::Result<()> {
        let mut records = Vec::new();
        if through > self.contents.acknowledged {
            records.push(Record::Through(through));
        }
        if let Some((mut first, items)) = items {
            let mut items = items.into_iter();
            while let batch = items.by_ref().take(MAX_BATCH_ITEMS).collect::<Vec<_>>()
                && !batch.is_empty()
            {
                let next = first.plus(batch.len() as u64);
                records.push(Record::Items(Batch { first, items: batch }));
                first = next;
            }
        }
        let (mut bytes, mut contents, mut spots) = (Vec::new(), self.contents.clone(), Vec::new());
        for record in records {
            if !contents.take(&record) {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "items were left out"));
            }
            let (at, last) = (self.end + bytes.len() as u64, contents.last);
            let is_items = matches!(record, Record::Items(_));
            let record = encode(record);
            if is_items {
                spots.push(Spot { last, at, length: record.len() });
            }
            bytes.extend(record);
        }
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(&bytes)?;
        self.end += bytes.len() as u64;
        self.contents = contents;
        self.spots.extend(spots);
        self.drop_spots();
        self.trim();
        Ok(())
    }

    fn drop_spots(&mut self) {
        let acknowledged = self.contents.acknowledged;
        while self.spots.pop_front_if(|spot| spot.last <= acknowledged).is_some() {}
    }

    /// Keeps the file from growing for ever.
    fn trim(&mut self) {
        let needed: u64 = self.spots.back().map_or(0, |last| last.at + last.length as u64)
            - self.spots.front().map_or(0, |first| first.at);
        let dead = self.end - needed;
        if dead < self.tried.saturating_mul(2) || self.contents.trim(dead, needed) == Trim::Not {
            return;
        }
        // The old file does as well, where there is room for it and none for another.
        self.tried = match self.rewrite() {
            Ok(()) => 0,
            Err(_) => dead,
        };
    }

    /// Writes what is still needed to a new file and puts that in this one's place.
    fn rewrite(&mut self) -> io::Result<()> {
        let running: Vec<_> = self.contents.running.iter().copied().collect();
        let mut bytes = MAGIC.to_vec();
        for tests in running.chunks(MAX_BATCH_ITEMS) {
            bytes.extend(encode(Record::Running(tests.to_vec())));
        }
        let mut spots = VecDeque::with_capacity(self.spots.len());
        for spot in &self.spots {
            let at = bytes.len();
            spots.push_back(Spot { at: at as u64, ..*spot });
            bytes.resize(at + spot.length, 0);
            self.file.seek(SeekFrom::Start(spot.at))?;
            self.file.read_exact(&mut bytes[at..])?;
        }
        // Behind the items: before them it would say that they are missing.
        bytes.extend(encode(Record::Through(self.contents.acknowledged)));
        let beside = self.path.with_extension("new");
        let mut file = open(&beside, true)?;
        let put = file.write_all(&bytes).and_then(|()| std::fs::rename(&beside, &self.path));
        if let Err(error) = put {
            std::fs::remove_file(&beside).ok();
            return Err(error);
        }
        (self.file, self.spots, self.end) = (file, spots, bytes.len() as u64);
        Ok(())
    }

    /// Removes it from the disk. What was written can be read back as long as this value lives.
    pub fn remove(&self) {
        // A file that stays behind is found, and removed, by a later run.
        std::fs::remove_file(&self.path).ok();
    }
}

fn open(path: &Path, anew: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(anew);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests;
