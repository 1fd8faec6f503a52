//! `GET /get?n=`: parse, compute, render.

use std::borrow::Cow;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fib_numbers::Index;
use futures_util::{StreamExt, stream};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use salvo::http::{HeaderName, HeaderValue, ResBody, header};
use salvo::{Depot, FlowCtrl, Handler, async_trait};

use super::problem::{self, Problem};
use super::query::{Ask, IndexLimits};
use super::view::coding::Coding;
use super::view::small::{self, Small};
use super::view::{self, Format, MediaType, SequenceBody};
use crate::State;
use crate::admission::{Kind, ShedReason, Work};
use crate::args::CacheControl;
use crate::cancel::{Cancel, Stopped};
use crate::compute::{Admitted, ComputeError, is_tiny};
use crate::connection::Conn;
use crate::memory::Reservation;
use crate::reply::Reply;

/// The parts of a request that matter.
#[derive(Clone, Copy)]
pub(crate) struct Head<'r> {
    method: &'r Method,
    uri: &'r Uri,
    headers: &'r HeaderMap,
}

impl<'r> Head<'r> {
    pub(crate) fn of<B>(request: &'r Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
        }
    }

    /// A list header. On several lines it is the same list as on one (RFC 9110, 5.3).
    fn text(self, name: &HeaderName) -> Option<Cow<'r, str>> {
        // Most requests have few headers, and not this one. A lookup would take longer.
        if self.headers.keys().all(|n| n != name) {
            return None;
        }
        let mut lines = self
            .headers
            .get_all(name)
            .iter()
            .filter_map(|line| line.to_str().ok());
        let first = Cow::Borrowed(lines.next()?);
        Some(lines.fold(first, |all, line| Cow::Owned(format!("{all}, {line}"))))
    }
}

/// The route.
pub(crate) struct Get {
    state: Arc<State>,
    limits: IndexLimits,
    vary: HeaderValue,
    /// The headers of every answer that is not a problem.
    unchanged: HeaderMap,
    /// Those of an answer with a body, by [`MediaType`].
    with_body: [HeaderMap; 2],
}

impl Get {
    /// The route of one server.
    pub(crate) fn new(state: Arc<State>) -> Self {
        let cache = match state.config.cache_control {
            CacheControl::Immutable => "public, max-age=31536000, immutable",
            CacheControl::NoStore => "no-store",
        };
        let vary = if state.config.compress {
            "accept, accept-encoding"
        } else {
            "accept"
        };
        let vary = HeaderValue::from_static(vary);
        let mut unchanged = state.common_headers.template();
        unchanged.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        unchanged.insert(header::VARY, vary.clone());
        unchanged.insert(header::ACCEPT_RANGES, HeaderValue::from_static("none"));
        unchanged.insert(header::ETAG, HeaderValue::from_static("\"\""));
        let with_body = [MediaType::Json, MediaType::Text].map(|media| {
            let mut headers = unchanged.clone();
            let value = HeaderValue::from_static(media.as_str());
            headers.insert(header::CONTENT_TYPE, value);
            headers
        });
        Self {
            limits: state.config.limits(),
            state,
            vary,
            unchanged,
            with_body,
        }
    }

    /// Answers a request, if its client may send one more.
    pub(crate) fn answer(&self, head: Head<'_>, conn: &Arc<Conn>) -> Reply<Response<ResBody>> {
        let clients = &self.state.clients;
        let Some(allowance) = clients.count(conn.peer().ip(), head.headers) else {
            return self.allowed(head, conn);
        };
        let reply = if let Some(wait) = allowance.wait {
            self.state.metrics.rate_limited();
            Reply::now(Problem::too_many(wait).answer())
        } else {
            self.allowed(head, conn)
        };
        reply.map(move |mut response| {
            allowance.tell(response.headers_mut());
            response
        })
    }

    fn allowed(&self, head: Head<'_>, conn: &Arc<Conn>) -> Reply<Response<ResBody>> {
        let query = head.uri.query().unwrap_or_default();
        let accept = head.text(&header::ACCEPT);
        match Ask::parse(query, accept.as_deref(), self.limits) {
            Ok(ask) => self
                .reply(ask, head, conn)
                .unwrap_or_else(|error| Reply::now(failed(error, self.vary.clone()))),
            Err(problem) => Reply::now(problem.answer()),
        }
    }

    fn reply(
        &self,
        ask: Ask,
        head: Head<'_>,
        conn: &Arc<Conn>,
    ) -> Result<Reply<Response<ResBody>>, ComputeError> {
        let coding = self.coding(ask, head);
        let small = ask.small();
        let tag = match small {
            Some(small) => HeaderValue::from_static(&small.tag),
            None => entity_tag(ask, coding),
        };
        let known = head
            .text(&header::IF_NONE_MATCH)
            .is_some_and(|wanted| names(&wanted, tag.as_bytes()));
        let mut response = Response::new(ResBody::None);
        let headers = response.headers_mut();
        *headers = if known {
            self.unchanged.clone()
        } else {
            self.with_body[ask.media_type() as usize].clone()
        };
        headers.insert(header::ETAG, tag);
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(Reply::now(response));
        }
        if coding == Coding::Gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if *head.method == Method::HEAD {
            if let Some(length) = ask.length().filter(|_| coding == Coding::Identity) {
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            }
            return Ok(Reply::now(response));
        }
        if let Some(small) = small {
            self.state.pool.looked_up(ask.work());
            *response.body_mut() = ResBody::Once(Bytes::from_static(&small.body));
            return Ok(Reply::now(response));
        }
        if is_tiny(ask.work()) {
            *response.body_mut() = self.at_once(ask, conn)?;
            return Ok(Reply::now(response));
        }
        match ask {
            Ask::Number(index, format) => self.number(conn, index, format, coding, response),
            Ask::Sequence(last) => self.sequence(conn, last, coding, response),
        }
    }

    /// Whether the answer is compressed. Answers that are computed inline are too small for that.
    fn coding(&self, ask: Ask, head: Head<'_>) -> Coding {
        if self.state.config.compress && !is_tiny(ask.work()) {
            Coding::accepted(head.text(&header::ACCEPT_ENCODING).as_deref())
        } else {
            Coding::Identity
        }
    }

    /// Computes inline what takes only some microseconds.
    fn at_once(&self, ask: Ask, conn: &Conn) -> Result<ResBody, ComputeError> {
        let body = self.state.pool.at_once(ask.work(), || match ask {
            Ask::Number(index, format) => self.state.small(index, format),
            Ask::Sequence(last) => SequenceBody::up_to(last, Coding::Identity).whole(),
        });
        if conn.is_small(body.len()) {
            return Ok(ResBody::Once(body.into()));
        }
        let held = self.reserve(conn, body.len() as u64)?;
        Ok(ResBody::Once(held.keep_for(body)))
    }

    fn number(
        &self,
        conn: &Conn,
        index: Index,
        format: Format,
        coding: Coding,
        mut response: Response<ResBody>,
    ) -> Result<Reply<Response<ResBody>>, ComputeError> {
        let length = format.length(index).unwrap_or_else(|| index.get() / 4);
        let held = self.reserve(conn, view::memory(length))?;
        let work = Work::whole(format.kind(), index.get());
        let mut admitted = self.state.pool.admit(work)?;
        let (state, vary) = (Arc::clone(&self.state), self.vary.clone());
        Ok(Reply::later(async move {
            let pieces = admitted
                .whole(move |cancel| {
                    let digits = state.digits(index, format, cancel)?;
                    format.body(index, digits, coding, held, cancel)
                })
                .await;
            match pieces {
                Ok(pieces) => {
                    *response.body_mut() = ResBody::Chunks(pieces);
                    response
                }
                Err(error) => failed(error, vary),
            }
        }))
    }

    fn sequence(
        &self,
        conn: &Conn,
        last: Index,
        coding: Coding,
        mut response: Response<ResBody>,
    ) -> Result<Reply<Response<ResBody>>, ComputeError> {
        // Its pieces come one after the other, so the HTTP library does not know their length.
        if let Some(length) = view::sequence_length(last).filter(|_| coding == Coding::Identity) {
            let length = HeaderValue::from(length);
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length);
        }
        let mut rest = Rest {
            held: self.reserve(conn, view::sequence_memory(coding))?,
            admitted: self
                .state
                .pool
                .admit(Work::whole(Kind::Sequence, last.get()))?,
            sequence: Some(SequenceBody::up_to(last, coding)),
        };
        let vary = self.vary.clone();
        Ok(Reply::later(async move {
            // The first piece still decides the status.
            match rest.next().await {
                Ok(first) => {
                    *response.body_mut() = rest.after(first);
                    response
                }
                Err(error) => failed(error, vary),
            }
        }))
    }

    fn reserve(&self, conn: &Conn, bytes: u64) -> Result<Reservation, ComputeError> {
        conn.reserve(bytes).ok_or_else(|| {
            self.state.metrics.shed(ShedReason::Memory);
            ComputeError::Shed {
                reason: ShedReason::Memory,
                retry_after: Duration::from_secs(1),
            }
        })
    }
}

impl Ask {
    /// The work it takes.
    fn work(self) -> Work {
        match self {
            Self::Number(index, format) => Work::whole(format.kind(), index.get()),
            Self::Sequence(last) => Work::whole(Kind::Sequence, last.get()),
        }
    }

    fn media_type(self) -> MediaType {
        match self {
            Self::Number(_, format) => format.media_type(),
            Self::Sequence(_) => MediaType::Json,
        }
    }

    /// The answer, if it is a stored one.
    fn small(self) -> Option<&'static Small> {
        match self {
            Self::Number(index, format) => small::answer(index, format),
            Self::Sequence(_) => None,
        }
    }

    /// The length of the answer, without computing it; `None` if that is unknown.
    fn length(self) -> Option<u64> {
        match self {
            Self::Number(index, format) => format.length(index),
            Self::Sequence(last) => view::sequence_length(last),
        }
    }
}

impl State {
    /// The digits of F(n) in the requested format.
    fn digits(&self, index: Index, format: Format, cancel: &Cancel) -> Result<Vec<u8>, Stopped> {
        let check = &mut || cancel.check();
        if format == Format::Hex {
            return fib_numbers::hexadecimal(index, check);
        }
        let decimal = self.numbers.decimal(index, check)?;
        if decimal.recomputed {
            self.metrics.recomputed();
            tracing::warn!(
                n = index.get(),
                "digits failed their check and were computed again"
            );
        }
        Ok(decimal.digits)
    }

    /// The body for a number that takes only some microseconds.
    fn small(&self, index: Index, format: Format) -> Vec<u8> {
        let check = &mut || Ok::<_, Infallible>(());
        let digits = if format == Format::Hex {
            fib_numbers::hexadecimal(index, check)
        } else {
            self.numbers.decimal(index, check).map(|d| d.digits)
        };
        let Ok(digits) = digits;
        format.body_with(index, &digits)
    }
}

/// The route as the framework matches it, with any spelling of its path.
pub(crate) struct Spelled(pub(crate) Arc<Get>);

#[async_trait]
impl Handler for Spelled {
    async fn handle(
        &self,
        req: &mut salvo::Request,
        _: &mut Depot,
        res: &mut salvo::Response,
        _: &mut FlowCtrl,
    ) {
        let reply = req.extensions().get::<Arc<Conn>>().map(|conn| {
            let head = Head {
                method: req.method(),
                uri: req.uri(),
                headers: req.headers(),
            };
            self.0.answer(head, conn)
        });
        if let Some(reply) = reply {
            problem::put(reply.await, res);
        }
    }
}

/// A sequence whose rest is computed as its client reads.
struct Rest {
    admitted: Admitted,
    /// `None` while a piece is computed.
    sequence: Option<SequenceBody>,
    #[expect(dead_code, reason = "held until the answer was sent")]
    held: Reservation,
}

impl Rest {
    async fn next(&mut self) -> Result<Bytes, ComputeError> {
        let mut sequence = self.sequence.take().ok_or(ComputeError::Broken)?;
        let part = sequence.next_part();
        let (sequence, piece) = self
            .admitted
            .step(part, move |cancel| {
                let piece = sequence.write(part.to, cancel)?;
                Ok((sequence, piece))
            })
            .await?;
        self.sequence = Some(sequence);
        Ok(piece)
    }

    /// The body that continues after its first piece.
    fn after(self, first: Bytes) -> ResBody {
        let rest = stream::unfold(self, |mut rest| async {
            if rest.sequence.as_ref().is_none_or(SequenceBody::is_done) {
                return None;
            }
            let piece = rest.next().await;
            Some((piece.map_err(|e| io::Error::other(format!("{e:?}"))), rest))
        });
        let first = stream::iter([Ok::<Bytes, io::Error>(first)]);
        ResBody::stream(first.chain(rest))
    }
}

/// The problem instead of an answer. It varies by the same request headers as the answer would.
fn failed(error: ComputeError, vary: HeaderValue) -> Response<ResBody> {
    let mut response = Problem::from(error).answer();
    response.headers_mut().insert(header::VARY, vary);
    response
}

fn entity_tag(ask: Ask, coding: Coding) -> HeaderValue {
    let tag = match ask {
        Ask::Number(index, format) => format.tag(index, coding),
        Ask::Sequence(last) => view::sequence_tag(last, coding),
    };
    // It contains only digits and words.
    HeaderValue::from_maybe_shared(Bytes::from(tag)).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Whether a list of entity tags contains this one; weak tags are compared like strong ones here (RFC 9110,
/// 13.1.2).
fn names(list: &str, tag: &[u8]) -> bool {
    list.split(',')
        .map(str::trim)
        .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one).as_bytes() == tag)
}
