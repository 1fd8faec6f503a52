//! `report` and `merge`: results in any format.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::args::{MergeArgs, ReportArgs};
use crate::exit::Failure;
use crate::outputs::store::Object;
use crate::outputs::{self, Destination, Output, ReportFormat};
use crate::report::{render_all, words};
use crate::result::Document;
use crate::{merge as merging, shipping};

/// Writes results in the requested formats. The exit code is 0, whatever the runs' results are.
pub(super) fn report(args: &ReportArgs) -> Result<u8, Failure> {
    let documents = read_all(&args.files)?;
    write(&args.output, &documents)?;
    Ok(0)
}

/// Merges results and writes the result; the exit code is that of the merged run.
pub(super) fn merge(args: &MergeArgs) -> Result<u8, Failure> {
    let documents = read_all(&args.files)?;
    let merged = merging::merge(&documents, args.partial).map_err(Failure::usage)?;
    write(&args.output, std::slice::from_ref(&merged))?;
    Ok(merged.exit.code)
}

/// Every result in these files, in order.
pub(super) fn read_all(files: &[PathBuf]) -> Result<Vec<Document>, Failure> {
    let mut documents = Vec::new();
    for file in files {
        documents.extend(read(file)?);
    }
    Ok(documents)
}

/// Every result in a file, a log, standard input, an object in a store, or all objects with a prefix.
fn read(file: &Path) -> Result<Vec<Document>, Failure> {
    let mut bytes = Vec::new();
    let object = Object::named(file)
        .map_err(|error| Failure::usage(format!("`{}`: {error}", file.display())))?;
    let read = if let Some(object) = object {
        object.read().map(|text| bytes = text)
    } else if file == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::File::open(file)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .map(drop)
    };
    let name = file.display();
    read.map_err(|error| {
        Failure::usage(format!(
            "`{name}` can't be read ({error}): give what `-o json=` or `-o log=` wrote"
        ))
    })?;
    // A log may contain other lines.
    shipping::results(&String::from_utf8_lossy(&bytes))
        .map_err(|why| Failure::usage(format!("`{name}`: {why}")))
}

/// The one result in a file.
pub(super) fn read_one(file: &Path) -> Result<Document, Failure> {
    let mut documents = read(file)?;
    match documents.len() {
        1 => Ok(documents.remove(0)),
        count => Err(Failure::usage(format!(
            "`{}` has {}: give a file with a single result, or merge them first",
            file.display(),
            words::counted(count, "result"),
        ))),
    }
}

fn write(outputs: &[Output], documents: &[Document]) -> Result<(), Failure> {
    let screen = [Output {
        kind: ReportFormat::Text,
        file: None,
    }];
    let outputs = if outputs.is_empty() {
        &screen[..]
    } else {
        outputs
    };
    for output in outputs {
        let text = render_all(output.kind, documents)?;
        let Some(path) = &output.file else {
            super::print(text.trim_end_matches('\n'))?;
            continue;
        };
        Destination::probe(path)
            .and_then(|place: outputs::Destination| place.write(text.as_bytes()))
            .map_err(|error| {
                Failure::usage(format!(
                    "`{}` can't be written ({error}): give a file in a folder that exists and may be written",
                    path.display()
                ))
            })?;
    }
    Ok(())
}
