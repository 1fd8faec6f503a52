//! Creating and deleting objects, and what pods print.

use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Body;
use serde_json::{Value, json};

use super::answers::{self, Answer};
use super::request::Question;
use super::{ApiServer, NAMESPACE};

/// The form in which rules name it: `create jobs`.
pub(super) fn rule(method: &Method, question: &Question) -> String {
    let read = question.to_string();
    let resource = read.split_once(' ').map_or("", |(_, resource)| resource);
    match *method {
        Method::POST => format!("create {resource}"),
        Method::DELETE => format!("delete {resource}"),
        _ => read,
    }
}

impl ApiServer {
    /// A pod prints a line; `None` is its end.
    pub(crate) fn print(&self, pod: &str, line: Option<&str>) {
        self.lock().store.print(pod, line);
    }

    /// Creates or deletes an object. Its dependents stay: there is no garbage collector here.
    pub(super) async fn write<B: Body>(
        &self,
        question: &Question,
        request: Request<B>,
    ) -> Response<Answer> {
        let Question::Objects(asked) = question else {
            return answers::no_such_path();
        };
        if request.method() == Method::DELETE {
            let which = format!(
                "{}/{}",
                asked.plural,
                asked.name.as_deref().unwrap_or_default()
            );
            if !self.has(&which) {
                return answers::status(404, "NotFound", &format!("{which} not found"));
            }
            self.delete(&which);
            return answers::ok(
                &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}),
            );
        }
        let Ok(body) = request.into_body().collect().await else {
            return answers::status(400, "BadRequest", "the body broke off");
        };
        let mut object: Value = serde_json::from_slice(&body.to_bytes()).unwrap();
        let metadata = &mut object["metadata"];
        metadata["namespace"] = json!(NAMESPACE);
        if let Some(prefix) = metadata["generateName"].as_str() {
            metadata["name"] = json!(format!("{prefix}x7k2p"));
        }
        let which = format!("{}/{}", asked.plural, metadata["name"].as_str().unwrap());
        if self.has(&which) {
            return answers::status(409, "AlreadyExists", &format!("{which} already exists"));
        }
        self.put(object);
        answers::ok(&self.object(&which))
    }
}
