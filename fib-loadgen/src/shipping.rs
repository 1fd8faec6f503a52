//! Results as lines of a log, and reading them back: how the shards of a Job hand over their results.
//!
//! A container's log mixes standard output with standard error, cuts lines at 16 KiB and may be rotated while
//! it is read. So a result is compressed, with a checksum, into short lines that say which part of which result
//! they are; a reader finds them among other lines.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::exit::Failure;
use crate::result::Document;

/// The start of each line.
const MARK: &str = "fib-loadgen-result";
/// Base64 characters per line: well below the 16 KiB at which container runtimes cut.
const LINE: usize = 4_000;
/// A result that is larger than this when unpacked is probably a mistake.
const MOST: u64 = 1 << 30;

/// The result as lines of a log.
pub fn to_log(document: &Document) -> Result<String, Failure> {
    let refused = |error: &dyn std::fmt::Display| {
        Failure::internal(format!("the result can't be packed for a log ({error})"))
    };
    let json = serde_json::to_vec(document).map_err(|error| refused(&error))?;
    // gzip includes a CRC-32 of the content.
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    let packed = packer
        .write_all(&json)
        .and_then(|()| packer.finish())
        .map_err(|error| refused(&error))?;
    let text = STANDARD.encode(packed);
    let name = name(document);
    let parts = text.len().div_ceil(LINE);
    let mut log = String::with_capacity(text.len() + parts * 64);
    for part in 0..parts {
        let piece = &text[part * LINE..text.len().min((part + 1) * LINE)];
        log += &format!("{MARK} {name} {}/{parts} {piece}\n", part + 1);
    }
    Ok(log)
}

/// Distinguishes a result from all others in one log.
fn name(document: &Document) -> String {
    let shard = document.run.shard.as_deref().unwrap_or("whole");
    format!("{}.{}", document.run.id, shard.replace('/', "-of-"))
}

/// Every result in a text: a document, documents between other lines, or the lines of [`to_log`]; also in
/// several concatenated logs, with the prefixes of `kubectl logs --prefix` or `--timestamps`.
pub fn results(text: &str) -> Result<Vec<Document>, String> {
    let packed = packed(text)?;
    if !packed.is_empty() {
        return packed.iter().map(|text| Document::read(text)).collect();
    }
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        rest = &rest[at..];
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<serde_json::Value>();
        match values.next() {
            Some(Ok(value)) => {
                let end = values.byte_offset();
                if value.get("schema").is_some() {
                    found.push(Document::read(&rest[..end])?);
                }
                rest = &rest[end..];
            }
            // No JSON starts here, but it may on a later line.
            _ => rest = rest.split_once('\n').map_or("", |(_, rest)| rest),
        }
    }
    if found.is_empty() {
        return Err("there is no result in it: give what `-o json=` or `-o log=` wrote, or a log with that in it".to_owned());
    }
    Ok(found)
}

/// The JSON of each result that is split into lines of a log.
fn packed(text: &str) -> Result<Vec<String>, String> {
    let mut results: BTreeMap<&str, BTreeMap<usize, (usize, &str)>> = BTreeMap::new();
    for line in text.lines() {
        let Some((_, line)) = line.split_once(MARK) else {
            continue;
        };
        let mut words = line.split_whitespace();
        let (Some(name), Some(part), Some(piece)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let Some((part, parts)) = part
            .split_once('/')
            .and_then(|(part, parts)| Some((part.parse().ok()?, parts.parse().ok()?)))
        else {
            continue;
        };
        results
            .entry(name)
            .or_default()
            .insert(part, (parts, piece));
    }
    results
        .into_iter()
        .map(|(name, parts)| {
            let due = parts.values().map(|part| part.0).max().unwrap_or(0);
            if parts.len() != due {
                return Err(format!(
                    "result {name} has {} of its {due} parts: read the log whole, from before it was rotated",
                    parts.len()
                ));
            }
            let text: String = parts.into_values().map(|part| part.1).collect();
            unpack(&text).map_err(|why| format!("result {name} is damaged ({why}): read the log again"))
        })
        .collect()
}

fn unpack(text: &str) -> Result<String, String> {
    let packed = STANDARD.decode(text).map_err(|error| error.to_string())?;
    let mut json = String::new();
    GzDecoder::new(&packed[..])
        .take(MOST)
        .read_to_string(&mut json)
        .map_err(|error| error.to_string())?;
    Ok(json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn shard(number: u32) -> Document {
        let mut document = fixture::passed();
        document.run.shard = Some(format!("{number}/2"));
        document.totals.sent = u64::from(number) + 5;
        document
    }

    fn sent(text: &str) -> Vec<u64> {
        let found = results(text).unwrap();
        found.iter().map(|document| document.totals.sent).collect()
    }

    #[test]
    fn results_are_found_between_the_other_lines_of_prefixed_logs() {
        let mut log = String::new();
        for number in 0..2 {
            let prefix = format!("[pod/fib-loadgen-{number}-x/fib-loadgen] 2026-11-27T05:00:00Z ");
            for line in to_log(&shard(number)).unwrap().lines() {
                assert!(line.len() < 8_000, "{}", line.len());
                log += &format!("{prefix}{line}\n{prefix}00:10 hold users 5 {{not json\n");
            }
        }
        assert_eq!(sent(&log), [5, 6]);
    }

    #[test]
    fn documents_are_found_among_live_lines() {
        let json = serde_json::to_string_pretty(&shard(1)).unwrap();
        let log = format!("starting {{\n{{\"at\":\"x\",\"ok\":5}}\n{json}\nbye\n");
        assert_eq!(sent(&log), [6]);
        assert_eq!(sent(&json), [6]);
    }

    #[test]
    fn a_log_with_a_missing_part_or_a_changed_letter_gives_no_result() {
        let log = to_log(&shard(0)).unwrap();
        assert!(log.lines().count() > 2);
        let (_, cut) = log.split_once('\n').unwrap();
        assert!(results(cut).unwrap_err().contains("parts"));
        let at = log.len() / 2;
        let other = if &log[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{}{other}{}", &log[..at], &log[at + 1..]);
        assert!(results(&changed).unwrap_err().contains("damaged"));
        assert!(results("nothing").is_err());
    }
}
