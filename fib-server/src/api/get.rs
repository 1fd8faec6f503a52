//! `GET /get?n=`: parse, compute, render.

use std::sync::Arc;

use salvo::http::{HeaderValue, StatusCode, header};
use salvo::{Depot, FlowCtrl, Handler, Request, Response, async_trait};

use super::problem::Problem;
use super::query::{Ask, Limits};
use super::view::{self, Format};
use crate::State;
use crate::args::CacheControl;
use crate::fibonacci::{self, Index};

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
        let limits = Limits {
            max_n: config.max_n,
            max_sequence_n: config.max_sequence_n,
        };
        let ask = Ask::parse(
            req.uri().query().unwrap_or_default(),
            text(req, &header::ACCEPT),
            limits,
        )?;

        let tag = entity_tag(ask);
        let known = text(req, &header::IF_NONE_MATCH).is_some_and(|wanted| names(wanted, &tag));
        self.describe(tag, res);
        if known {
            res.status_code(StatusCode::NOT_MODIFIED);
            return Ok(());
        }
        match ask {
            Ask::Sequence(last) => {
                set(res, &header::CONTENT_TYPE, "application/json");
                res.stream(view::sequence_body(last));
            }
            Ask::Number(index, format) => {
                let digits = self.digits(index, format).await?;
                set(res, &header::CONTENT_TYPE, format.media_type());
                res.body(format.body(index, digits));
            }
        }
        res.status_code(StatusCode::OK);
        Ok(())
    }

    async fn digits(&self, index: Index, format: Format) -> Result<String, Problem> {
        let write = if format == Format::Hex {
            fibonacci::hexadecimal
        } else {
            fibonacci::decimal
        };
        let task = move |cancel: &_| write(&fibonacci::nth(index, cancel)?, cancel);
        Ok(self.0.pool.run(index.get(), task).await?)
    }

    fn describe(&self, tag: String, res: &mut Response) {
        let cache = match self.0.config.cache_control {
            CacheControl::Immutable => "public, max-age=31536000, immutable",
            CacheControl::NoStore => "no-store",
        };
        set(res, &header::CACHE_CONTROL, cache);
        set(res, &header::VARY, "accept");
        if let Ok(tag) = HeaderValue::try_from(tag) {
            res.headers_mut().insert(header::ETAG, tag);
        }
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

fn text<'r>(req: &'r Request, name: &header::HeaderName) -> Option<&'r str> {
    req.headers().get(name)?.to_str().ok()
}

fn set(res: &mut Response, name: &header::HeaderName, value: &'static str) {
    res.headers_mut()
        .insert(name.clone(), HeaderValue::from_static(value));
}
