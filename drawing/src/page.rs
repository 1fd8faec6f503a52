//! What every page has: a frame that loads nothing and works offline, a header, facts, and sections.

use std::fmt::Write as _;

use crate::escape::{Xml, script_json};
use crate::{CHART, PAGE};

/// One self-contained document.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// The browser's title.
    pub title: &'a str,
    /// The style in addition to that of every page and drawing.
    pub style: &'a str,
    /// The body, already escaped.
    pub content: &'a str,
    /// The JSON that the script reads.
    pub data: &'a str,
    /// The script.
    pub script: &'a str,
    /// Sources allowed in addition to the page's own style and scripts.
    pub allowed: &'a str,
    /// What follows the script.
    pub more: &'a str,
}

/// The whole document.
pub fn document(page: &Page<'_>) -> String {
    let Page {
        style,
        content,
        script,
        allowed,
        more,
        ..
    } = page;
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:{allowed}\">\n\
         <title>{title}</title>\n<style>{CHART}\n{PAGE}{style}</style>\n</head>\n<body>\n\
         {content}\
         <script type=\"application/json\" id=\"data\">{data}</script>\n<script>{script}</script>\n{more}</body>\n</html>\n",
        title = Xml(page.title),
        data = script_json(page.data),
    )
}

/// What the content begins with.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// The color, by outcome.
    pub class: &'a str,
    /// The outcome, in a word or two.
    pub badge: &'a str,
    /// What the page is about.
    pub subject: &'a str,
    /// The conclusion, in a sentence.
    pub cause: &'a str,
    /// Where it comes from and when it was.
    pub when: &'a str,
}

impl Header<'_> {
    /// The content: this, then `main`, and last who wrote it, such as `hpa-check 1.2.0, hpa-check/1`.
    pub fn over(&self, main: &str, writer: &str) -> String {
        format!(
            "<header class=\"{}\">\n<p class=\"badge\">{}</p>\n<h1>{}</h1>\n<p class=\"cause\">{}</p>\n\
             <p class=\"when\">{}</p>\n</header>\n<main>\n{main}</main>\n<footer>{}</footer>\n",
            self.class,
            self.badge,
            Xml(self.subject),
            Xml(self.cause),
            Xml(self.when),
            Xml(writer),
        )
    }
}

/// Facts as cards.
pub fn facts(facts: &[(&str, String)]) -> String {
    let cards = facts.iter().fold(String::new(), |mut html, (name, value)| {
        // Writing to a String can't fail.
        let _ = write!(html, "<div><dt>{name}</dt><dd>{}</dd></div>", Xml(value));
        html
    });
    format!("<dl class=\"facts\">{cards}</dl>\n")
}

/// A part of the page under its heading; empty if there is no content.
pub fn section(id: &str, heading: &str, content: &str) -> String {
    if content.is_empty() {
        return String::new();
    }
    format!(
        "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{heading}</h2>\n{content}</section>\n"
    )
}

/// What a page would load from elsewhere, or may load: the first sign of it. Its tests expect none, apart from
/// links that a reader follows.
pub fn loads(page: &str, links: &[&str]) -> Option<&'static str> {
    let namespace = "http://www.w3.org/2000/svg";
    let own = links
        .iter()
        .chain([&namespace])
        .fold(page.to_owned(), |page, link| page.replace(link, ""));
    if !page.contains("default-src 'none'") {
        return Some("no default-src 'none'");
    }
    let signs = [
        "http://", "https://", "src=", "href=", "@import", "url(", "fetch(", "import(",
    ];
    signs.into_iter().find(|sign| own.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(content: &str) -> String {
        document(&Page {
            title: "a < b",
            style: "",
            content,
            data: "\"</script>\"",
            script: "",
            allowed: "",
            more: "",
        })
    }

    #[test]
    fn a_page_loads_nothing_from_anywhere_and_what_would_is_found() {
        assert_eq!(loads(&page("<p>x</p>"), &[]), None);
        let image = "<img src=\"data.png\">";
        assert_eq!(loads(&page(image), &[]), Some("src="));
        assert_eq!(loads(&page("http://elsewhere"), &[]), Some("http://"));
        let link = "<a href=\"https://docs\">";
        assert_eq!(loads(&page(link), &[]), Some("https://"));
        assert_eq!(loads(&page(link), &["href=\"https://docs"]), None);
        assert!(loads("<p>x</p>", &[]).is_some(), "it has no policy");
    }

    #[test]
    fn text_from_outside_is_escaped() {
        let header = Header {
            class: "pass",
            badge: "PASS",
            subject: "<b>",
            cause: "<i>",
            when: "<u>",
        };
        let content = header.over(&facts(&[("Pods", "<s>".to_owned())]), "<em>");
        let page = page(&content);
        for tag in ["<b>", "<i>", "<u>", "<s>", "<em>", "a < b"] {
            assert!(!page.contains(tag), "{tag}");
        }
        assert_eq!(page.matches("</script>").count(), 2, "the page's own two");
    }

    #[test]
    fn a_section_without_content_is_left_out() {
        assert_eq!(section("a", "A", ""), "");
        assert!(section("a", "A", "x").contains("<h2 id=\"a\">A</h2>\nx"));
    }
}
