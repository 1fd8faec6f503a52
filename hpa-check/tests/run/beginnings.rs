//! Problems found before the test begins: one clear sentence, the exit code, and no file.

use std::path::Path;

use super::place::{Place, stderr};
use crate::api_server::{Fault, objects, socket};

#[test]
fn an_unreachable_server_is_named_with_its_address() {
    let place = Place::new();
    // Nothing listens on port 1.
    socket::kubeconfig(place.folder.path(), ([127, 0, 0, 1], 1).into());
    let text = place.refusal(&mut place.run_here(&[]), 90);
    assert!(text.contains("http://127.0.0.1:1/"), "{text}");
    assert!(text.contains("Connection refused"), "{text}");
}

#[test]
fn an_unreadable_kubeconfig_is_named() {
    let place = Place::new();
    std::fs::write(place.kubeconfig(), "clusters: {").unwrap();
    let text = place.refusal(&mut place.run_here(&[]), 90);
    assert!(text.contains("the kubeconfig"), "{text}");
    let nowhere = Path::new("/no/such/kubeconfig");
    let text = place.refusal(place.run(&[]).arg("--kubeconfig").arg(nowhere), 90);
    assert!(text.contains("/no/such/kubeconfig"), "{text}");
}

#[test]
fn an_unknown_context_is_named_with_the_known_ones() {
    let place = Place::new();
    let text = place.refusal(&mut place.run_here(&["--context", "other"]), 90);
    assert!(text.contains("no context `other`"), "{text}");
    assert!(text.contains("it has: test"), "{text}");
}

#[test]
fn an_unknown_autoscaler_is_named_with_the_existing_ones() {
    let place = Place::new();
    place.cluster();
    let text = place.refusal(&mut place.run_here(&["--autoscaler", "other"]), 90);
    assert!(
        text.contains("no HorizontalPodAutoscaler other; there are: fib"),
        "{text}"
    );
}

#[test]
fn a_namespace_without_an_autoscaler_is_named() {
    let place = Place::new();
    let text = place.refusal(&mut place.run_here(&["-n", "empty"]), 90);
    assert!(
        text.contains("the namespace empty has no HorizontalPodAutoscaler"),
        "{text}"
    );
}

#[test]
fn one_of_several_autoscalers_must_be_chosen() {
    let place = Place::new();
    for name in ["a", "b"] {
        let target = objects::deployment(name, 3);
        place.server.put(objects::autoscaler(name, &target));
    }
    let text = place.refusal(&mut place.run_here(&[]), 90);
    assert!(text.contains("name one of them: a, b"), "{text}");
}

#[test]
fn an_unwritable_output_is_found_before_the_cluster_is_asked() {
    let place = Place::new();
    let flags = ["-o", "html=/no/such/folder/report.html"];
    let text = place.refusal(&mut place.run_here(&flags), 2);
    assert!(text.contains("/no/such/folder/report.html"), "{text}");
    assert!(place.server.asked("get /version").is_empty());
}

#[test]
fn invalid_credentials_are_named() {
    let place = Place::new();
    let fault = Fault::Status(401, "Unauthorized");
    place.server.fail("*", fault, usize::MAX);
    let text = place.refusal(&mut place.run_here(&[]), 90);
    assert!(text.contains("renew the credentials"), "{text}");
    assert!(text.contains(&place.address.to_string()), "{text}");
}

#[test]
fn a_server_that_is_not_an_api_server_is_named_as_such() {
    let place = Place::new();
    place.server.fail("*", Fault::Page, usize::MAX);
    let text = place.refusal(&mut place.run_here(&[]), 90);
    assert!(text.contains("not a Kubernetes API server"), "{text}");
}

#[test]
fn meaningless_flags_are_refused() {
    let place = Place::new();
    for flag in ["--expect-min=0", "--expect-max=0", "--expect-cpu=0"] {
        let text = place.refusal(&mut place.run_here(&[flag]), 2);
        let (name, _) = flag.split_once('=').unwrap();
        assert!(text.contains(name), "{text}");
    }
    for flag in ["--tolerance=-1", "--expect-cpu=half"] {
        let output = place.run_here(&[flag]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    }
}

#[test]
fn a_run_without_a_load_is_told_its_options_for_a_load() {
    let place = Place::new();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hpa-check"));
    command
        .arg("run")
        .arg("--kubeconfig")
        .arg(place.kubeconfig());
    let text = place.refusal(&mut command, 2);
    let ways = [
        "--load-command",
        "--load-job",
        "--external-load",
        "--target",
    ]
    .map(|way| text.find(way).unwrap());
    assert!(ways.is_sorted(), "one's own load comes first: {text}");
}

#[test]
fn expected_bounds_that_contradict_the_autoscaler_are_refused() {
    let place = Place::new();
    place.cluster();
    let text = place.refusal(&mut place.run_here(&["hpa/fib", "--expect-max", "2"]), 2);
    assert!(text.contains("the expected minimum, 3, is above"), "{text}");
}

#[test]
fn the_autoscaler_may_be_an_argument_and_flags_may_precede_the_command() {
    let place = Place::new();
    place.cluster();
    let text = place.refusal(&mut place.run_here(&["other"]), 90);
    assert!(
        text.contains("no HorizontalPodAutoscaler other; there are: fib"),
        "{text}"
    );
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hpa-check"));
    command.arg("--kubeconfig").arg(place.kubeconfig());
    command.args(["-n", "empty", "run", "--external-load"]);
    let text = place.refusal(&mut command, 90);
    assert!(text.contains("the namespace empty has no"), "{text}");
}

#[test]
fn flags_for_the_controllers_times_take_only_values_that_the_controller_takes() {
    let place = Place::new();
    for flag in [
        "--sync-period=0",
        "--metrics-resolution=0",
        "--downscale-stabilization=86401",
        "--cpu-initialization-period=86401",
        "--initial-readiness-delay=86401",
    ] {
        let output = place.run_here(&[flag]).output().unwrap();
        let (name, value) = flag.split_once('=').unwrap();
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(
            text.contains(name) && text.contains(&format!("{value} is not between")),
            "{text}"
        );
    }
}

#[test]
fn a_busy_port_for_the_page_is_found_before_the_cluster_is_asked() {
    let place = Place::new();
    let address = place.address.to_string();
    let text = place.refusal(&mut place.run_here(&["--serve", &address]), 2);
    assert!(
        text.contains(&address) && text.contains("another port"),
        "{text}"
    );
    let text = place.refusal(&mut place.run_here(&["--serve", "0.0.0.0:0"]), 2);
    assert!(text.contains("--serve-to-network"), "{text}");
    assert!(place.server.asked("get /version").is_empty());
}
