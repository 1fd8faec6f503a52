//! Commands as manuals, people, browsers and Postman write them.

use super::*;

fn one(text: &str) -> Spec {
    let mut specs = curl(text).unwrap_or_else(|why| panic!("{text}: {why}"));
    assert_eq!(specs.len(), 1, "{text}");
    specs.remove(0)
}

#[test]
fn a_curl_command_is_read_as_curl_reads_it() {
    let text = "curl -sS 'http://cart.shop.svc:8080/items?x=1' \\\n  -XPUT -H 'X-Trace: 5' --data-raw '{\"a\": 1}' --compressed";
    let spec = one(text);
    assert_eq!(spec.method.as_deref(), Some("PUT"));
    assert_eq!(
        (spec.path.as_str(), spec.origin.as_deref()),
        ("/items?x=1", Some("http://cart.shop.svc:8080"))
    );
    assert_eq!(spec.headers["x-trace"], "5");
    assert_eq!(
        spec.headers["content-type"],
        "application/x-www-form-urlencoded"
    );
    assert_eq!(spec.body.as_deref(), Some("{\"a\": 1}"));
}

#[test]
fn data_joins_and_may_become_the_query() {
    let spec = one("curl -G http://h.svc/s -d a=1 -d b=2");
    assert_eq!((spec.path.as_str(), &spec.body), ("/s?a=1&b=2", &None));
    assert!(spec.headers.is_empty());
    let spec =
        one("curl -G 'http://h.svc/s?x=1' --data-urlencode 'q=a b&c' --data-urlencode '=d/e'");
    assert_eq!(spec.path, "/s?x=1&q=a%20b%26c&d%2Fe");
    let spec = one("curl h.svc --json '{\"a\":' --json '1}'");
    assert_eq!(
        (spec.path.as_str(), spec.headers["accept"].as_str()),
        ("/", "application/json")
    );
    assert_eq!(spec.body.as_deref(), Some("{\"a\":1}"));
}

#[test]
fn short_flags_can_be_combined_and_values_can_be_attached() {
    for text in [
        "curl -sSLXPOST -dx=1 http://h/a",
        "curl -sSL -X POST --data x=1 http://h/a",
        "curl -sSLd x=1 --request POST --url http://h/a",
        "curl --request=POST --data-binary x=1 -o /dev/null -w '%{http_code}' h/a",
        "curl.exe -X POST -d x=1 http://h/a",
    ] {
        let spec = one(text);
        assert_eq!(spec.method.as_deref(), Some("POST"), "{text}");
        assert_eq!(
            (spec.path.as_str(), spec.body.as_deref()),
            ("/a", Some("x=1")),
            "{text}"
        );
    }
}

#[test]
fn headers_are_added_emptied_and_removed() {
    let spec = one(
        "curl http://h -H 'A: 1' -H 'a: 2' -H 'Empty;' -H 'Content-Type:' -H 'Host: other' -b 'x=1' -b 'y=2' -d z",
    );
    let headers: Vec<(&str, &str)> = spec.headers.iter().map(|(a, b)| (&**a, &**b)).collect();
    assert_eq!(
        headers,
        [
            ("a", "1, 2"),
            ("cookie", "x=1; y=2"),
            ("empty", ""),
            ("host", "other")
        ]
    );
    let spec = one("curl -u me:pass:word http://h/a");
    assert_eq!(spec.headers["authorization"], "Basic bWU6cGFzczp3b3Jk");
    let spec = one("curl -u me:pass -H 'Authorization: Bearer t' http://h/a");
    assert_eq!(spec.headers["authorization"], "Bearer t");
    assert_eq!(
        one("curl 'h/a?next=http://x/'").origin.as_deref(),
        Some("http://h")
    );
}

#[test]
fn a_form_is_sent_in_parts() {
    let spec = one(
        r#"curl http://h/up -F 'a=1' -F 'b={"c":2};type=application/json' --form-string 'd=@e'"#,
    );
    assert_eq!(
        spec.headers["content-type"],
        "multipart/form-data; boundary=fib-loadgen-form"
    );
    let body = "--fib-loadgen-form\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
                --fib-loadgen-form\r\nContent-Disposition: form-data; name=\"b\"\r\nContent-Type: application/json\r\n\r\n{\"c\":2}\r\n\
                --fib-loadgen-form\r\nContent-Disposition: form-data; name=\"d\"\r\n\r\n@e\r\n\
                --fib-loadgen-form--\r\n";
    assert_eq!(spec.body.as_deref(), Some(body));
}

#[test]
fn several_commands_are_several_requests_and_an_unknown_flag_is_named() {
    assert_eq!(curl("curl http://h/a\ncurl http://h/b").unwrap().len(), 2);
    assert_eq!(curl("curl http://h/a --next http://h/b").unwrap().len(), 2);
    for (text, named) in [
        ("curl h -m 5", "--timeout"),
        ("curl ftp://h/a", "http://"),
        ("curl h -H @file", "from a file"),
        ("curl h; curl h --ntlm", "curl command 2: curl's --ntlm"),
        ("curl --ntlm http://h", "--ntlm"),
        ("curl -sk http://h", "-k"),
    ] {
        let refused = curl(text).unwrap_err();
        assert!(refused.contains(named), "{refused}");
    }
    for text in [
        "curl",
        "curl 'http://h",
        "curl -H",
        "curl -d @file http://h",
        "curl --data-urlencode name@file http://h",
        "curl -F file=@photo.png http://h",
        "curl -b jar.txt http://h",
        "wget http://h",
    ] {
        assert!(curl(text).is_err(), "{text}");
    }
}

#[test]
fn a_command_with_several_urls_requests_each_of_them() {
    let specs = curl("curl http://h/a --url http://h/b -d x=1 http://h/c").unwrap();
    let paths: Vec<&str> = specs.iter().map(|spec| spec.path.as_str()).collect();
    assert_eq!(paths, ["/a", "/b", "/c"]);
    assert!(specs.iter().all(|spec| spec.body.as_deref() == Some("x=1")));
}

/// As "Copy all as cURL" of Chrome joins them for bash and for Windows, and as people write them.
#[test]
fn joined_commands_are_read_one_by_one() {
    for text in [
        "curl 'http://h/a' \\\n  -H 'x: 1' ;\ncurl 'http://h/b'",
        "curl ^\"http://h/a^\" ^\r\n  -H ^\"x: 1^\" &\r\ncurl ^\"http://h/b^\"",
        "curl http://h/a -H 'x: 1' && curl http://h/b",
        "curl http://h/a -H 'x: 1'\ncurl http://h/b",
    ] {
        let specs = curl(text).unwrap();
        let read: Vec<_> = specs
            .iter()
            .map(|spec| (spec.path.as_str(), spec.headers.len()))
            .collect();
        assert_eq!(read, [("/a", 1), ("/b", 0)], "{text}");
    }
    assert!(curl("curl http://h/a && sleep 1").is_err());
}

#[test]
fn the_host_is_kept_where_it_is_not_the_urls_own() {
    assert!(one("curl http://h:80/a -H 'Host: h'").headers.is_empty());
    assert!(
        one("curl http://h:8080/a -H 'Host: h:8080'")
            .headers
            .is_empty()
    );
    let virtual_host = one("curl http://127.0.0.1:8080/a -H 'Host: shop.example'");
    assert_eq!(virtual_host.headers["host"], "shop.example");
}

/// As "Copy as cURL" prints them, shortened: Chrome, Edge, Firefox and Safari on Linux, macOS and Windows, Postman, Insomnia.
#[test]
fn what_browsers_and_postman_copy_is_read() {
    let cases: [(&str, &str, Option<&str>); 10] = [
        (
            "curl 'http://shop.svc/api/items?page=1' \\\n  -H 'accept: application/json, text/plain, */*' \\\n  -H 'accept-language: en-US,en;q=0.9' \\\n  -b 'session=abc; theme=dark' \\\n  -H 'priority: u=1, i' \\\n  -H 'sec-ch-ua: \"Chromium\";v=\"130\", \"Not?A_Brand\";v=\"99\"' \\\n  -H 'user-agent: Mozilla/5.0 (X11; Linux x86_64)'",
            "/api/items?page=1",
            None,
        ),
        (
            "curl 'http://shop.svc/api/cart' \\\n  -H 'content-type: application/json' \\\n  --data-raw $'{\"note\":\"it\\'s great\\u0021\",\"n\":1}' \\\n  --insecure",
            "",
            None,
        ),
        (
            "curl 'http://shop.svc/api/cart' -H 'content-type: application/json' --data-raw $'{\"note\":\"it\\'s great\\u0021\"}'",
            "/api/cart",
            Some("{\"note\":\"it's great!\"}"),
        ),
        (
            "curl 'http://shop.svc/graphql' -X POST -H 'content-type: application/json' --data-raw $'{\"query\":\"query {\\\\n  items { id }\\\\n}\"}'",
            "/graphql",
            Some("{\"query\":\"query {\\n  items { id }\\n}\"}"),
        ),
        (
            "curl 'http://shop.svc/upload' -H 'content-type: multipart/form-data; boundary=----WebKitFormBoundaryX' --data-raw $'------WebKitFormBoundaryX\\r\\nContent-Disposition: form-data; name=\"a\"\\r\\n\\r\\n1\\r\\n------WebKitFormBoundaryX--\\r\\n'",
            "/upload",
            Some(
                "------WebKitFormBoundaryX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n------WebKitFormBoundaryX--\r\n",
            ),
        ),
        (
            "curl ^\"http://shop.svc/api/cart?a=1^&b=2^\" ^\r\n  -H ^\"accept: */*^\" ^\r\n  --data-raw ^\"^{^\\^\"id^\\^\":1^}^\"",
            "/api/cart?a=1&b=2",
            Some("{\"id\":1}"),
        ),
        (
            "curl 'http://shop.svc/login' --compressed -X POST -H 'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0' -H 'Content-Type: application/x-www-form-urlencoded' -H 'Origin: http://shop.svc' -H 'Connection: keep-alive' -H 'Cookie: id=1' --data-raw 'user=a&pass=b%21'",
            "/login",
            Some("user=a&pass=b%21"),
        ),
        (
            "curl 'http://shop.svc/put' \\\n-X 'PUT' \\\n-H 'Accept: */*' \\\n-H 'Content-Length: 7' \\\n--data-binary '{\"a\":1}'",
            "/put",
            Some("{\"a\":1}"),
        ),
        (
            "curl --location --request POST 'http://shop.svc/v1/items' \\\n--header 'Content-Type: application/json' \\\n--data '{\n    \"name\": \"a\"\n}'",
            "/v1/items",
            Some("{\n    \"name\": \"a\"\n}"),
        ),
        (
            "curl --request GET \\\n  --url 'http://shop.svc/v1/items?x=%5B1%5D' \\\n  --header 'User-Agent: insomnia/10.1'",
            "/v1/items?x=%5B1%5D",
            None,
        ),
    ];
    for (text, path, body) in cases {
        if path.is_empty() {
            // A flag that this program has under its own name is reported, not silently ignored.
            assert!(curl(text).unwrap_err().contains("--insecure"));
            continue;
        }
        let spec = one(text);
        assert_eq!(
            (spec.path.as_str(), spec.body.as_deref()),
            (path, body),
            "{text}"
        );
        assert_eq!(spec.origin.as_deref(), Some("http://shop.svc"));
    }
    assert_eq!(one(cases[0].0).headers["cookie"], "session=abc; theme=dark");
    assert_eq!(one(cases[6].0).headers["cookie"], "id=1");
}
