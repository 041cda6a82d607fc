//! A server for tests that answers each path as it was told, byte by byte, and remembers what it was asked.
//!
//! It stands for the provider (any path) and for S3 (`/bucket/…`, where everything succeeds unless told otherwise), so
//! that one counter sees everything that is open at a moment. What S3 is asked but to put and get one object has a name
//! of its own, [`Request::operation`].

use std::{
    collections::{HashMap, VecDeque},
    fmt::Write as _,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream},
    net::{TcpSocket, TcpStream},
};

/// One answer, as it goes over the wire. The connection is closed after it, finished or not.
#[derive(Clone)]
pub(super) struct Answer {
    head: String,
    body: Bytes,
    chunked: bool,
    finished: bool,
    pause: Duration,
    /// So much of the body comes before the pause.
    before_pause: usize,
}

impl Answer {
    fn new(status: u16, body: impl Into<Bytes>) -> Self {
        let head = format!("HTTP/1.1 {status} Scripted\r\nconnection: close\r\n");
        Self { head, body: body.into(), chunked: false, finished: true, pause: Duration::ZERO, before_pause: 0 }
    }

    /// `body` with its length.
    pub(super) fn status(status: u16, body: impl Into<Bytes>) -> Self {
        let answer = Self::new(status, body);
        let length = answer.body.len();
        answer.header("content-length", &length.to_string())
    }

    /// 200 with `body` and its length.
    pub(super) fn ok(body: impl Into<Bytes>) -> Self {
        Self::status(200, body)
    }

    /// 200 with what one of S3's operations answers, which has `content`.
    pub(super) fn document(operation: &str, content: &str) -> Self {
        let root = match operation {
            "CreateMultipartUpload" => "InitiateMultipartUploadResult",
            "CompleteMultipartUpload" => "CompleteMultipartUploadResult",
            "ListMultipartUploads" => "ListMultipartUploadsResult",
            "ListObjectVersions" => "ListVersionsResult",
            "DeleteObjects" => "DeleteResult",
            other => other,
        };
        Self::ok(format!("<{root}>{content}</{root}>"))
    }

    /// 200 with another length than `body` has.
    pub(super) fn announcing(length: usize, body: impl Into<Bytes>) -> Self {
        Self::new(200, body).header("content-length", &length.to_string())
    }

    /// 200 with `body` in chunks; unless `finished`, the connection breaks before the last one.
    pub(super) fn chunked(body: impl Into<Bytes>, finished: bool) -> Self {
        Self { chunked: true, finished, ..Self::new(200, body).header("transfer-encoding", "chunked") }
    }

    /// 200 with `body`, which ends where the connection ends.
    pub(super) fn until_close(body: impl Into<Bytes>) -> Self {
        Self::new(200, body)
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        let _ = write!(self.head, "{name}: {value}\r\n");
        self
    }

    /// Waits between the head and the body.
    pub(super) fn pausing(self, pause: Duration) -> Self {
        self.pausing_after(0, pause)
    }

    /// Waits after this much of the body.
    pub(super) fn pausing_after(self, before_pause: usize, pause: Duration) -> Self {
        Self { pause, before_pause, ..self }
    }
}

/// Of each request's body this much is remembered.
const KEPT_BYTES: usize = 256 << 10;

/// What was asked, with the beginning of its body.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: HashMap<String, String>,
    pub(super) body: Bytes,
}

impl Request {
    /// Which of S3's operations this is; `None` for the provider.
    pub(super) fn operation(&self) -> Option<&'static str> {
        let rest = self.target.strip_prefix("/bucket")?;
        let query = rest.split_once('?').map_or("", |(_, query)| query);
        let about = |name: &str| query.split('&').any(|part| part.split('=').next() == Some(name));
        Some(match self.method.as_str() {
            "POST" if about("uploads") => "CreateMultipartUpload",
            "PUT" if about("partNumber") => "UploadPart",
            "POST" if about("uploadId") => "CompleteMultipartUpload",
            "DELETE" if about("uploadId") => "AbortMultipartUpload",
            "GET" if about("uploads") => "ListMultipartUploads",
            "GET" if about("versions") => "ListObjectVersions",
            "POST" if about("delete") => "DeleteObjects",
            "HEAD" => "HeadObject",
            _ => "/bucket/",
        })
    }
}

/// What S3 says to an operation that succeeds.
fn success(operation: &str) -> Answer {
    match operation {
        "CreateMultipartUpload" => Answer::document(operation, "<UploadId>upload-1</UploadId>"),
        "UploadPart" => Answer::ok("").header("etag", "\"a-part\""),
        "AbortMultipartUpload" => Answer::new(204, ""),
        "/bucket/" => Answer::ok(""),
        "HeadObject" => Answer::status(404, ""),
        _ => Answer::document(operation, ""),
    }
}

/// A running server.
#[derive(Clone)]
pub(super) struct ScriptedServer {
    pub(super) address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    scripts: Mutex<HashMap<String, VecDeque<Answer>>>,
    requests: Mutex<Vec<Request>>,
    open: AtomicUsize,
    most_open: AtomicUsize,
    sent: AtomicUsize,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ScriptedServer {
    pub(super) async fn start() -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // Small, so that what was sent is about what was read.
        socket.set_send_buffer_size(64 << 10)?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let listener = socket.listen(64)?;
        let server = Self { address: listener.local_addr()?, state: Arc::default() };
        let state = Arc::clone(&server.state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&state);
                tokio::spawn(async move { serve(&state, stream).await });
            }
        });
        Ok(server)
    }

    /// The URL of `path`.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers `path` (the last answer for good), and gives its URL. `/bucket/` stands for every object that is put or
    /// got; any other operation of S3 is told by its name in place of the path.
    pub(super) fn answer(&self, path: &str, answers: impl Into<VecDeque<Answer>>) -> String {
        lock(&self.state.scripts).insert(path.to_owned(), answers.into());
        self.url(path)
    }

    /// All requests so far whose path begins so.
    pub(super) fn requests(&self, prefix: &str) -> Vec<Request> {
        lock(&self.state.requests).iter().filter(|request| request.target.starts_with(prefix)).cloned().collect()
    }

    /// The most requests that were ever open at once.
    pub(super) fn most_open(&self) -> usize {
        self.state.most_open.load(Ordering::Relaxed)
    }

    /// Bytes of bodies sent so far.
    pub(super) fn sent(&self) -> usize {
        self.state.sent.load(Ordering::Relaxed)
    }
}

impl State {
    fn next_answer(&self, request: &Request) -> Answer {
        let operation = request.operation();
        match lock(&self.scripts).get_mut(operation.unwrap_or(&request.target)) {
            Some(answers) if answers.len() > 1 => answers.pop_front(),
            Some(answers) => answers.front().cloned(),
            None => operation.map(success),
        }
        .unwrap_or_else(|| Answer::status(404, "not scripted"))
    }
}

/// A request that counts as open. It ends before its answer's last bytes leave: whoever has them may ask for the next thing
/// before this side hears that they arrived.
struct Open<'a>(&'a State);

impl<'a> Open<'a> {
    fn new(state: &'a State) -> Self {
        let open = state.open.fetch_add(1, Ordering::Relaxed) + 1;
        state.most_open.fetch_max(open, Ordering::Relaxed);
        Self(state)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Bytes that are written at once.
const PIECE_BYTES: usize = 64 << 10;

async fn serve(state: &State, stream: TcpStream) -> std::io::Result<()> {
    let mut stream = BufStream::with_capacity(64 << 10, 8 << 10, stream);
    let request = read_request(&mut stream).await?;
    let open = Open::new(state);
    let answer = state.next_answer(&request);
    lock(&state.requests).push(request);
    send(state, stream.get_mut(), answer, open).await?;
    stream.shutdown().await
}

async fn read_request(stream: &mut BufStream<TcpStream>) -> std::io::Result<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = Vec::new();
    let mut content = stream.take(length);
    loop {
        let piece = content.fill_buf().await?;
        if piece.is_empty() {
            break;
        }
        let (read, kept) = (piece.len(), piece.len().min(KEPT_BYTES - body.len()));
        body.extend_from_slice(&piece[..kept]);
        content.consume(read);
    }
    Ok(Request { method, target, headers, body: body.into() })
}

async fn send(state: &State, stream: &mut TcpStream, answer: Answer, open: Open<'_>) -> std::io::Result<()> {
    let mut open = Some(open).filter(|_| !answer.body.is_empty());
    stream.write_all(format!("{}\r\n", answer.head).as_bytes()).await?;
    let (before, after) = answer.body.split_at(answer.before_pause);
    let (after, last) = after.split_at(after.len().saturating_sub(PIECE_BYTES));
    send_body(state, stream, &answer, before).await?;
    tokio::time::sleep(answer.pause).await;
    send_body(state, stream, &answer, after).await?;
    open.take();
    send_body(state, stream, &answer, last).await?;
    if answer.chunked && answer.finished {
        stream.write_all(b"0\r\n\r\n").await?;
    }
    Ok(())
}

async fn send_body(state: &State, stream: &mut TcpStream, answer: &Answer, body: &[u8]) -> std::io::Result<()> {
    for piece in body.chunks(PIECE_BYTES) {
        if answer.chunked {
            stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
        }
        stream.write_all(piece).await?;
        state.sent.fetch_add(piece.len(), Ordering::Relaxed);
        if answer.chunked {
            stream.write_all(b"\r\n").await?;
        }
    }
    Ok(())
}
