//! `GET /get?n=`: parse, compute, render.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use fib_numbers::Index;
use futures_util::{StreamExt, stream};
use salvo::http::{HeaderName, HeaderValue, Method, ResBody, StatusCode, header};
use salvo::{Depot, FlowCtrl, Handler, Request, Response, async_trait};

use super::problem::Problem;
use super::query::Ask;
use super::view::{self, Format, Sequence};
use crate::State;
use crate::admission::{Kind, ShedReason, Work};
use crate::args::CacheControl;
use crate::cancel::{Cancel, Stopped};
use crate::compute::{Admitted, ComputeError};
use crate::connection::Conn;
use crate::memory::Reservation;

/// The handler.
#[derive(Debug, Clone)]
pub struct Get(pub Arc<State>);

#[async_trait]
impl Handler for Get {
    async fn handle(&self, req: &mut Request, _: &mut Depot, res: &mut Response, _: &mut FlowCtrl) {
        if let Err(problem) = self.answer(req, res).await {
            problem.write_to(res);
        }
    }
}

impl Get {
    async fn answer(&self, req: &Request, res: &mut Response) -> Result<(), Problem> {
        let config = &self.0.config;
        let limits = config.limits();
        let query = req.uri().query().unwrap_or_default();
        let ask = Ask::parse(query, text(req, &header::ACCEPT).as_deref(), limits)?;

        let tag = entity_tag(ask);
        let known = text(req, &header::IF_NONE_MATCH).is_some_and(|wanted| names(&wanted, &tag));
        self.describe(tag, res);
        if known {
            res.status_code(StatusCode::NOT_MODIFIED);
            return Ok(());
        }
        let (media_type, length) = match ask {
            Ask::Number(index, format) => (format.media_type(), format.length(index)),
            Ask::Sequence(last) => ("application/json", view::sequence_length(last)),
        };
        set(res, &header::CONTENT_TYPE, media_type);
        if let Some(length) = length {
            res.headers_mut()
                .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        if *req.method() != Method::HEAD {
            res.body(match ask {
                Ask::Number(index, format) => self.number(req, index, format).await?,
                Ask::Sequence(last) => self.sequence(req, last).await?,
            });
        }
        res.status_code(StatusCode::OK);
        Ok(())
    }

    async fn number(
        &self,
        req: &Request,
        index: Index,
        format: Format,
    ) -> Result<ResBody, ComputeError> {
        let length = format.length(index).unwrap_or_else(|| index.get() / 4);
        let held = self.reserve(req, view::memory(length))?;
        let state = Arc::clone(&self.0);
        let mut admitted = self.0.pool.admit(Work::whole(format.kind(), index.get()))?;
        let pieces = admitted
            .whole(move |cancel| {
                let digits = state.digits(index, format, cancel)?;
                Ok(format.body(index, &digits, held))
            })
            .await?;
        Ok(ResBody::Chunks(pieces))
    }

    async fn sequence(&self, req: &Request, last: Index) -> Result<ResBody, ComputeError> {
        let mut rest = Rest {
            held: self.reserve(req, view::SEQUENCE_MEMORY)?,
            admitted: self.0.pool.admit(Work::whole(Kind::Sequence, last.get()))?,
            sequence: Some(Sequence::up_to(last)),
        };
        // The first piece still decides about the status.
        let first = rest.next().await?;
        let rest = stream::unfold(rest, |mut rest| async {
            if rest.sequence.as_ref().is_none_or(Sequence::is_done) {
                return None;
            }
            let piece = rest.next().await;
            Some((piece.map_err(|e| io::Error::other(format!("{e:?}"))), rest))
        });
        let first = stream::iter([Ok::<Bytes, io::Error>(first)]);
        Ok(ResBody::stream(first.chain(rest)))
    }

    fn reserve(&self, req: &Request, bytes: u64) -> Result<Reservation, ComputeError> {
        req.extensions()
            .get::<Arc<Conn>>()
            .and_then(|conn| conn.reserve(bytes))
            .ok_or_else(|| {
                self.0.metrics.shed(ShedReason::Memory);
                ComputeError::Shed {
                    reason: ShedReason::Memory,
                    retry_after: std::time::Duration::from_secs(1),
                }
            })
    }

    fn describe(&self, tag: String, res: &mut Response) {
        let cache = match self.0.config.cache_control {
            CacheControl::Immutable => "public, max-age=31536000, immutable",
            CacheControl::NoStore => "no-store",
        };
        set(res, &header::CACHE_CONTROL, cache);
        set(res, &header::VARY, "accept");
        set(res, &header::ACCEPT_RANGES, "none");
        if let Ok(tag) = HeaderValue::try_from(tag) {
            res.headers_mut().insert(header::ETAG, tag);
        }
    }
}

impl State {
    /// The digits of F(n) in the form that was asked for.
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
}

/// A sequence whose rest is computed when its client has taken what came before.
struct Rest {
    admitted: Admitted,
    /// Away while a piece is computed.
    sequence: Option<Sequence>,
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
}

/// F(n) is a constant, so its index and form are its tag, known before it is computed.
fn entity_tag(ask: Ask) -> String {
    match ask {
        Ask::Number(index, format) => format!("\"{}-{}\"", index.get(), format.as_str()),
        Ask::Sequence(last) => format!("\"0..{}-json\"", last.get()),
    }
}

/// Whether a list of entity tags has this one; weak tags compare as strong ones here (RFC 9110, 13.1.2).
fn names(list: &str, tag: &str) -> bool {
    list.split(',')
        .map(str::trim)
        .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

/// A header that is a list. On several lines it is the same list as on one (RFC 9110, 5.3).
fn text<'r>(req: &'r Request, name: &HeaderName) -> Option<Cow<'r, str>> {
    let mut lines = req
        .headers()
        .get_all(name)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let first = Cow::Borrowed(lines.next()?);
    Some(lines.fold(first, |all, line| Cow::Owned(format!("{all}, {line}"))))
}

fn set(res: &mut Response, name: &HeaderName, value: &'static str) {
    res.headers_mut()
        .insert(name.clone(), HeaderValue::from_static(value));
}
