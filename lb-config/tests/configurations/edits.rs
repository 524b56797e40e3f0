//! Own lines that survive, and edits that do not go unnoticed.

use busbar_lb_config::{OwnLines, Wanted, drift, own_lines, parse, render, render_with};
use proptest::prelude::*;

use crate::strategies::{states, two, with};

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

fn some() -> OwnLines {
    OwnLines {
        global: lines(&["    # mine", "    maxsslconn 100"]),
        frontend: lines(&["    acl old path_beg /old", "", "    http-request deny if old"]),
        backend: lines(&["\tfullconn 10"]),
        sections: lines(&["# metrics", "frontend metrics", "    bind 127.0.0.1:8405"]),
    }
}

#[test]
fn own_lines_survive_another_state() {
    let first = render_with(&two(), &some());
    assert_eq!(own_lines(&first).unwrap(), some());
    let other = with(|servers, _| servers[0].wanted = Wanted::Drain);
    let second = render_with(&other, &own_lines(&first).unwrap());
    assert_eq!(own_lines(&second).unwrap(), some());
    assert!(second.contains("    server b 10.0.0.2:17010"), "{second}");
    let document = parse(&second).unwrap();
    assert!(document.of_kind("frontend").any(|section| section.name().as_deref() == Some("metrics")));
}

#[test]
fn own_lines_are_no_drift_and_other_edits_are() {
    let applied = render(&two());
    assert_eq!(drift(&applied, &render_with(&two(), &some())).unwrap(), None);
    assert_eq!(drift(&applied, &applied.replace("    ", "  ")).unwrap(), None);
    let found = drift(&applied, &applied.replace("weight 100", "weight 50")).unwrap().unwrap();
    assert_eq!(found.servers.len(), 2);
    let found = drift(&applied, &applied.replace("retries 3", "retries 2")).unwrap().unwrap();
    assert_eq!(found.to_string(), "[defaults]\n- retries 3\n+ retries 2\n");
    let error = drift(&applied, &applied.replace("mode http", "mode \"http")).unwrap_err();
    assert!(error.to_string().contains("can't be read"), "{error}");
}

#[test]
fn a_place_without_marks_has_no_own_lines() {
    let marked = render_with(&two(), &some());
    let kept = marked.lines().filter(|line| !line.contains(" own lines"));
    let text: String = kept.map(|line| format!("{line}\n")).collect();
    assert!(own_lines(&text).unwrap().is_empty());
}

#[test]
fn own_lines_that_leave_their_place_are_refused() {
    let begin = |place: &str| format!("# BEGIN own lines for {place} (kept by busbar lb-agent)");
    let end = "# END own lines";
    for (text, reason) in [
        (format!("{}\n", begin("global")), "line 1: own lines for global begin and never end"),
        (end.to_owned(), "line 1: own lines end where none began"),
        (
            format!("{}\n{}", begin("global"), begin("backend")),
            "line 2: own lines for backend begin, but those before",
        ),
        (
            format!("{0}\n{end}\n{0}\n{end}", begin("global")),
            "line 3: own lines for global begin a second time",
        ),
        (
            begin("defaults"),
            "line 1: own lines for \"defaults\" are for no place: global, frontend, backend and sections",
        ),
        (
            format!("{}\n  backend x\n{end}", begin("frontend")),
            "line 2: own lines for frontend begin a section",
        ),
        (
            format!("{}\n  \"backend\" x\n{end}", begin("frontend")),
            "line 2: own lines for frontend begin a section",
        ),
        (
            format!("{}\n  back\\end x\n{end}", begin("frontend")),
            "line 2: own lines for frontend begin a section",
        ),
        (
            format!("{}\n\n  timeout x\n{end}", begin("sections")),
            "line 3: own lines for sections do not begin with a section",
        ),
    ] {
        let error = own_lines(&text).unwrap_err().to_string();
        assert!(error.starts_with(reason), "{text}\n{error}");
    }
}

proptest! {
    #[test]
    fn own_lines_never_change_what_a_state_means(state in states()) {
        let text = render_with(&state, &some());
        prop_assert_eq!(own_lines(&text).unwrap(), some());
        prop_assert_eq!(drift(&render(&state), &text).unwrap(), None);
        prop_assert_eq!(render_with(&state, &own_lines(&text).unwrap()), text);
    }
}
