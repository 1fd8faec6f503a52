//! Forms in parts (RFC 7578).

/// A field of a form.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: String,
    /// Its content type.
    pub(super) kind: Option<String>,
}

/// The content type and the body of a form.
pub(super) fn multipart(form: &[Field]) -> (String, String) {
    let mut boundary = "fib-loadgen-form".to_owned();
    while form.iter().any(|field| field.value.contains(&boundary)) {
        boundary.push('x');
    }
    let mut body = String::new();
    for Field { name, value, kind } in form {
        let kind = kind
            .as_ref()
            .map_or_else(String::new, |kind| format!("Content-Type: {kind}\r\n"));
        let name = name.replace('"', "%22");
        body.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n{kind}\r\n{value}\r\n"
        ));
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    (format!("multipart/form-data; boundary={boundary}"), body)
}
