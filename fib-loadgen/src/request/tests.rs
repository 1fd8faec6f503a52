//! What requests look like on the wire.

use super::*;
use crate::target::Target;

fn head(host: Option<&'static str>) -> Head {
    let mut settings = ClientSettings::new(Target::parse("http://127.0.0.1:8080", &[]).unwrap());
    settings.http = HttpVersion::Auto;
    if let Some(host) = host {
        let value = HeaderValue::from_static(host);
        settings.headers.insert(HOST, value);
    }
    Head::new(&settings).unwrap()
}

fn asked(head: &Head, headers: &[(&str, &str)], http2: bool) -> Request<Bytes> {
    let spec = Spec {
        path: "/a".to_owned(),
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        weight: 1.0,
        ..Spec::default()
    };
    let requests = Requests::new(vec![spec], &[]).unwrap();
    head.fill(requests.pick(0, 0), &Place::new(0, 0, 0, 0), http2, http2)
        .unwrap()
}

#[test]
fn a_host_header_names_the_host_in_both_versions_of_http() {
    for (of_all, of_one, expected) in [
        (None, None, "127.0.0.1:8080"),
        (Some("shop.svc"), None, "shop.svc"),
        (None, Some("cart.svc:80"), "cart.svc:80"),
        (Some("shop.svc"), Some("cart.svc"), "cart.svc"),
    ] {
        let mut head = head(of_all);
        let own: Vec<(&str, &str)> = of_one.iter().map(|host| ("host", *host)).collect();
        let one = asked(&head, &own, false);
        assert_eq!(one.headers()[HOST], expected);
        assert_eq!(one.uri(), "/a");
        let two = asked(&head, &own, true);
        assert_eq!(two.uri().to_string(), format!("http://{expected}/a"));
        assert!(!two.headers().contains_key(HOST));
        if of_one.is_none() {
            let two = head.fibonacci(90, true, true);
            assert_eq!(two.uri().to_string(), format!("http://{expected}/get?n=90"));
        }
    }
}

#[test]
fn a_proxy_gets_the_target_whatever_the_host_header_says() {
    let proxied = head(Some("shop.svc")).fibonacci(90, true, false);
    assert_eq!(proxied.uri(), "http://127.0.0.1:8080/get?n=90");
    assert_eq!(proxied.headers()[HOST], "shop.svc");
}
