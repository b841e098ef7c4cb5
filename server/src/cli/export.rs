//! `session export ID`: the record and all samples as JSON lines or CSV, or the report as a page or a document.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use bytes::Bytes;
use clap::{Args, ValueEnum};
use cnc_model::session::SessionRecord;
use cnc_model::{Sequence, SessionId};
use cnc_proto::support::{ListSamples, SamplePage};
use cnc_proto::{json, v1};
use http_body_util::BodyExt as _;
use tonic::client::GrpcService as _;

use super::connect::{ConnectArguments, Connected};
use super::{CliError, output};
use crate::sheet::{COLUMNS, row};

#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    /// The session's id
    id: SessionId,
    /// The form: json has the record in the first line and a sample in each further one, docx is the report for word
    /// processors
    #[arg(long, value_name = "FORM")]
    format: Form,
    /// The file to write; standard output without it
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    connect: ConnectArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    Json,
    Csv,
    Html,
    Docx,
}

pub(super) async fn run(arguments: ExportArguments) -> Result<(), CliError> {
    let ExportArguments { id, format, output, connect } = arguments;
    let connected = connect.connect().await?;
    let mut out = Out::open(output)?;
    match format {
        Form::Json => samples(&connected, id, &mut out, true).await?,
        Form::Csv => samples(&connected, id, &mut out, false).await?,
        Form::Html => out.write(&fetch(&connected, &format!("/sessions/{id}/report")).await?)?,
        Form::Docx => out.write(&fetch(&connected, &format!("/sessions/{id}/export?format=docx")).await?)?,
    }
    out.finish()
}

/// Where it is written to: whatever happens, a page at a time.
enum Out {
    Screen,
    File { path: PathBuf, file: BufWriter<File> },
}

impl Out {
    fn open(path: Option<PathBuf>) -> Result<Self, CliError> {
        let Some(path) = path else { return Ok(Self::Screen) };
        match File::create(&path) {
            Ok(file) => Ok(Self::File { path, file: BufWriter::new(file) }),
            Err(source) => Err(CliError::System { what: format!("cannot write {}", path.display()), source }),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        let (what, written) = match self {
            Self::Screen => ("cannot write".to_owned(), output::raw(bytes)),
            Self::File { path, file } => (format!("cannot write {}", path.display()), file.write_all(bytes)),
        };
        written.map_err(|source| CliError::System { what, source })
    }

    fn finish(self) -> Result<(), CliError> {
        let Self::File { path, mut file } = self else { return Ok(()) };
        file.flush().map_err(|source| CliError::System { what: format!("cannot write {}", path.display()), source })
    }
}

async fn samples(connected: &Connected, id: SessionId, out: &mut Out, as_json: bool) -> Result<(), CliError> {
    let mut support = connected.support();
    let record = support.get_session(v1::GetSessionRequest::from(id)).await?.into_inner();
    let record = SessionRecord::try_from(record)?;
    let head = if as_json { json::line(&json::record(&record)) } else { COLUMNS.join(",") };
    out.write(format!("{head}\n").as_bytes())?;
    let mut after = Sequence::NONE;
    loop {
        let wish = ListSamples { session: id, test: None, after, limit: None };
        let page = support.list_samples(v1::ListSamplesRequest::from(wish)).await?.into_inner();
        let SamplePage { samples, more } = page.try_into()?;
        let line = |sample| if as_json { json::line(&json::sequenced_sample(sample)) } else { row(sample) };
        let text: String = samples.iter().map(|sample| line(sample) + "\n").collect();
        out.write(text.as_bytes())?;
        match samples.last() {
            Some(last) if more => after = last.sequence,
            Some(_) | None => return Ok(()),
        }
    }
}

/// Fetches what lies at a path over the connection that is open.
async fn fetch(connected: &Connected, path: &str) -> Result<Bytes, CliError> {
    let mut request = http::Request::get(path);
    if let Some(token) = &connected.token {
        request = request.header(http::header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(tonic::body::Body::empty()).expect("an id makes a path");
    let broken = |error: &dyn std::error::Error| CliError::Answer(error.to_string());
    let mut channel = connected.channel.clone();
    std::future::poll_fn(|cx| channel.poll_ready(cx)).await.map_err(|error| broken(&error))?;
    let response = channel.call(request).await.map_err(|error| broken(&error))?;
    let status = response.status();
    let body = response.into_body().collect().await.map_err(|error| broken(&error))?.to_bytes();
    if status.is_success() {
        return Ok(body);
    }
    let text = String::from_utf8_lossy(&body);
    let status = match status {
        http::StatusCode::UNAUTHORIZED => tonic::Status::unauthenticated(text.trim()),
        http::StatusCode::NOT_FOUND => tonic::Status::not_found(text.trim()),
        _ => tonic::Status::unknown(text.trim()),
    };
    Err(status.into())
}
