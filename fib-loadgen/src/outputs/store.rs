//! Results in an object store: S3, Google Cloud Storage, Azure, or a folder by its URL. Only with the feature
//! `object-store`, because its clients need many crates.

use std::fmt;
use std::io;
use std::path::Path;

/// An object, or with a trailing slash all objects below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object(reqwest::Url);

impl Object {
    /// Parses a name with a scheme; `None` for a file's path.
    pub fn named(path: &Path) -> io::Result<Option<Self>> {
        let Some(text) = path.to_str().filter(|text| text.contains("://")) else {
            return Ok(None);
        };
        let url = text
            .parse()
            .map_err(|error| io::Error::other(format!("it is not an object's URL ({error})")))?;
        if cfg!(feature = "object-store") {
            return Ok(Some(Self(url)));
        }
        Err(io::Error::other(
            "this build has no support for object stores: build it with --features object-store, or give a file",
        ))
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys come from the environment, but someone may write them into a URL.
        let mut url = self.0.clone();
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        write!(f, "{url}")
    }
}

#[cfg(not(feature = "object-store"))]
impl Object {
    /// Never reached: without the feature there is no object.
    pub fn write(&self, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Never reached: without the feature there is no object.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(feature = "object-store")]
mod with_stores {
    use std::io;

    use object_store::path::Path;
    use object_store::{ObjectStore, ObjectStoreExt, parse_url_opts};

    use super::Object;

    impl Object {
        /// Writes the object whole.
        pub fn write(&self, content: &[u8]) -> io::Result<()> {
            let (store, path) = self.open()?;
            let content = content.to_vec();
            wait(async move { store.put(&path, content.into()).await.map(drop) })
        }

        /// Reads the object, or all objects below it in the order of their names.
        pub fn read(&self) -> io::Result<Vec<u8>> {
            let (store, path) = self.open()?;
            let below = self.0.path().ends_with('/');
            wait(async move {
                let paths = if below {
                    let listed = store.list_with_delimiter(Some(&path)).await?;
                    let mut paths: Vec<Path> = listed
                        .objects
                        .into_iter()
                        .map(|object| object.location)
                        .collect();
                    paths.sort();
                    paths
                } else {
                    vec![path]
                };
                let mut all = Vec::new();
                for path in paths {
                    all.extend_from_slice(&store.get(&path).await?.bytes().await?);
                    all.push(b'\n');
                }
                Ok(all)
            })
        }

        fn open(&self) -> io::Result<(Box<dyn ObjectStore>, Path)> {
            // Options that a store does not know are ignored: the environment has many.
            parse_url_opts(&self.0, std::env::vars()).map_err(io::Error::other)
        }
    }

    /// Runs to completion on a separate thread, since the caller's may belong to a runtime.
    fn wait<T: Send + 'static>(
        work: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> io::Result<T> {
        let thread = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(work).map_err(io::Error::other)
        });
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the client of the store has failed")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_file_and_a_url_is_an_object_or_an_error() {
        assert_eq!(Object::named(Path::new("a/b.json")).unwrap(), None);
        let named = Object::named(Path::new("s3://bucket/b.json"));
        if cfg!(feature = "object-store") {
            assert_eq!(named.unwrap().unwrap().to_string(), "s3://bucket/b.json");
        } else {
            assert!(named.unwrap_err().to_string().contains("object-store"));
        }
    }

    #[cfg(feature = "object-store")]
    #[test]
    fn objects_are_read_back_one_by_one_and_by_prefix() {
        let folder = tempfile::tempdir().unwrap();
        let object = |name: &str| {
            let url = format!("file://{}/{name}", folder.path().display());
            Object::named(Path::new(&url)).unwrap().unwrap()
        };
        object("run/1.json").write(b"one").unwrap();
        object("run/0.json").write(b"nought").unwrap();
        assert_eq!(object("run/1.json").read().unwrap(), b"one\n");
        assert_eq!(object("run/").read().unwrap(), b"nought\none\n");
        assert!(object("run/2.json").read().is_err());
    }
}
