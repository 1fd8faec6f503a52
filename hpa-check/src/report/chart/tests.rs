use super::super::fixture;
use super::*;

#[test]
fn a_picture_is_well_formed_and_names_the_path() {
    let svg = picture(&fixture::passed());
    assert!(
        svg.starts_with("<svg") && svg.contains("PASS: 3 → 7 → 10 → 3"),
        "{svg}"
    );
    assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
}

#[test]
fn every_panel_has_its_own_scale_and_every_pod_its_name() {
    for format in [Format::Wide, Format::Narrow] {
        let svg = inline(&fixture::passed(), "PASS", format);
        for text in [
            "Requests per second",
            "Response time, p99",
            "CPU, percent of the request",
            "Replicas",
            "Pods, CPU in percent of the request",
            "ms</text>",
            "decided",
            ">x7k2p<",
        ] {
            assert!(svg.contains(text), "{format:?}: {text}");
        }
    }
}

#[test]
fn nothing_is_drawn_beyond_the_sheet() {
    for format in [Format::Wide, Format::Narrow] {
        let svg = inline(&fixture::passed(), "PASS", format);
        let places = svg.split(" x=\"").skip(1);
        for place in places {
            let x: f64 = place.split('"').next().unwrap().parse().unwrap();
            assert!((0.0..=format.width()).contains(&x), "{format:?}: {x}");
        }
    }
}

#[test]
fn the_labels_of_a_scale_fit_beside_it_for_any_numbers() {
    let mut run = fixture::passed();
    for second in &mut run.timeline.load {
        second.rps *= 100.0;
        second.p99_us = second.p99_us.map(|us| us * 100);
    }
    for format in [Format::Wide, Format::Narrow] {
        let svg = inline(&run, "PASS", format);
        assert!(svg.contains(" s</text>"), "seconds, not thousands of ms");
        for label in svg.split("<text class=\"label\" x=\"").skip(1) {
            let (x, rest) = label.split_once('"').unwrap();
            let text = rest.split_once('>').unwrap().1.split_once('<').unwrap().0;
            let begin = x.parse::<f64>().unwrap() - text_width(text);
            let ends_there = rest.split_once('>').unwrap().0.contains("\"end\"");
            assert!(!ends_there || begin >= 0.0, "{format:?}: {text}");
        }
    }
}

/// The heights at which the series of a class are drawn.
fn heights(svg: &str, class: &str) -> Vec<f64> {
    let begin = format!("<path class=\"{class}\" d=\"");
    // The first one is the line in the key.
    let paths = svg.split(&begin).skip(2);
    let d: Vec<&str> = paths.map(|p| p.split('"').next().unwrap()).collect();
    let mut heights = Vec::new();
    for d in d {
        let mut rest = d;
        while let Some(at) = rest.find(['V', ' ']) {
            rest = &rest[at + 1..];
            let end = rest.find(|c: char| c != '.' && !c.is_ascii_digit());
            let number = &rest[..end.unwrap_or(rest.len())];
            heights.extend(number.parse::<f64>().ok());
        }
    }
    heights
}

#[test]
fn a_proposal_above_the_maximum_is_drawn_completely() {
    let run = fixture::passed();
    let most = run.timeline.proposed.iter().map(|s| s.value).max().unwrap();
    assert!(most > 15, "more than one and a half times the maximum");
    let svg = inline(&run, "PASS", Format::Wide);
    let drawn = heights(&svg, "proposed");
    let bound = heights(&svg, "bound");
    let highest = |all: &[f64]| all.iter().copied().fold(f64::MAX, f64::min);
    // The bounds of 3 and 10 set the scale.
    let (three, ten) = (
        bound.iter().copied().fold(f64::MIN, f64::max),
        highest(&bound),
    );
    let zero = three + (three - ten) / 7.0 * 3.0;
    let value = (zero - highest(&drawn)) / (three - ten) * 7.0;
    assert!(
        (value - f64::from(most)).abs() < 0.1,
        "{most} drawn up to {value}"
    );
    assert!(
        !svg.contains("asked for by the metric, up to"),
        "nothing is cut off"
    );
}

#[test]
fn the_labels_of_the_steps_do_not_touch_the_axis() {
    for format in [Format::Wide, Format::Narrow] {
        let mut run = fixture::passed();
        // A simulation scales in its first seconds already, right at the axis.
        run.timeline.spec[1].at = run.timeline.from + jiff::SignedDuration::from_secs(1);
        let svg = inline(&run, "PASS", format);
        let changes = svg.split("<text class=\"change\" x=\"").skip(1);
        assert!(changes.clone().count() > 1);
        for label in changes {
            let (x, rest) = label.split_once('"').unwrap();
            let (attributes, rest) = rest.split_once('>').unwrap();
            let text = rest.split_once('<').unwrap().0;
            let x: f64 = x.parse().unwrap();
            let begin = if attributes.contains("\"end\"") {
                x - text_width(text)
            } else {
                x
            };
            assert!(begin > left(format), "{format:?}: {text} begins at {begin}");
        }
    }
}

#[test]
fn names_from_outside_are_escaped() {
    let svg = picture(&fixture::hostile());
    assert!(!svg.contains("<script"), "{svg}");
}

#[test]
fn a_run_of_zero_length_can_be_drawn() {
    let mut run = fixture::passed();
    run.timeline.until = run.timeline.from;
    assert!(!picture(&run).contains("NaN"));
}

#[test]
fn a_run_that_ended_before_its_load_has_no_load_panels() {
    let mut run = fixture::passed();
    run.timeline.load.clear();
    let svg = picture(&run);
    assert!(!svg.contains("Requests per second") && !svg.contains("Response time"));
    assert!(svg.contains("Replicas"));
}

#[test]
fn only_phases_take_room_above_the_first_panel() {
    let with = fixture::passed();
    let mut without = fixture::passed();
    without.timeline.phases.clear();
    let height = |run| {
        let svg = inline(run, "PASS", Format::Wide);
        let (_, rest) = svg.split_once("viewBox=\"0 0 960 ").unwrap();
        rest.split('"').next().unwrap().parse::<f64>().unwrap()
    };
    let spared = height(&with) - height(&without);
    assert!((spared - (HEAD - BARE_HEAD)).abs() < 0.1, "{spared}");
}
