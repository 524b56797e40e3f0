//! Words, quotes and files, read and written.

use busbar_lb_config::{Part, Word, parse};
use proptest::prelude::*;

fn words(line: &str) -> Vec<String> {
    let document = parse(&format!("global\n{line}\n")).unwrap();
    document.sections[0].directives[0].texts()
}

#[test]
fn quotes_and_backslashes_are_as_in_haproxys_manual() {
    for line in [
        r#"log-format "%{+Q}o %t %s %{-Q}r""#,
        r"log-format %{+Q}o\ %t\ %s\ %{-Q}r",
        r"log-format '%{+Q}o %t %s %{-Q}r'",
        r#"log-format "%{+Q}o %t"' %s %{-Q}r'"#,
        r#"log-format "%{+Q}o %t"' %s'\ %{-Q}r"#,
        r"log-format %{+Q}o\x20%t\x20%s\x20%{-Q}r",
    ] {
        assert_eq!(words(line), ["log-format", "%{+Q}o %t %s %{-Q}r"], "{line}");
    }
    assert_eq!(words(r"a '' b\#c #d"), ["a", "", "b#c"]);
    assert_eq!(words(r#"a "\"\$\\" '\n"'"#), ["a", "\"$\\", "\\n\""]);
    assert_eq!(words(r"reg ^/\.well"), ["reg", r"^/\.well"]);
}

#[test]
fn variables_are_those_in_double_quotes() {
    let document = parse("global\n  a \"$HOME/x${Y-z}\" $HOME '$HOME' \"\\$HOME\"\n").unwrap();
    let line = &document.sections[0].directives[0];
    let variable = |text: &str| Part::Variable(text.to_owned());
    assert_eq!(line.words[1].parts(), [variable("$HOME"), Part::Text("/x".to_owned()), variable("${Y-z}")]);
    for literal in &line.words[2..] {
        assert_eq!(literal.parts(), [Part::Text("$HOME".to_owned())]);
    }
    assert_eq!(line.words[1].to_string(), "\"$HOME/x${Y-z}\"");
}

#[test]
fn unreadable_lines_are_named() {
    for (line, reason) in [
        ("a \"b", "a double quote is not closed: a quote ends on the line it began on"),
        ("a 'b", "a single quote is not closed: a quote ends on the line it began on"),
        (r"a \x2", r"\x is not followed by two hexadecimal digits"),
        (r"a \x+1", r"\x is not followed by two hexadecimal digits"),
        ("a \\", "the line ends in a backslash: HAProxy has no lines that go on"),
        ("a \"${b\"", "a variable is not closed: ${NAME} is allowed"),
        (&"a ".repeat(65), "there are 65 words: 64 at most are allowed"),
    ] {
        let error = parse(&format!("global\n\n{line}\n")).unwrap_err();
        assert_eq!(error.line, 3, "{line}");
        assert_eq!(error.source.to_string(), reason, "{line}");
    }
}

proptest! {
    /// Whatever a word holds, it is one word again and holds the same.
    #[test]
    fn a_word_is_read_as_it_was_written(text in any::<String>().prop_filter("no NUL", |text| !text.contains('\0'))) {
        let line = format!("global\n  a {} b\n", Word::new(&text));
        let document = parse(&line).unwrap();
        prop_assert_eq!(document.sections.len(), 1);
        prop_assert_eq!(document.sections[0].directives.len(), 1);
        prop_assert_eq!(document.sections[0].directives[0].texts(), vec!["a".to_owned(), text, "b".to_owned()]);
    }

    /// Whatever a file holds: if it can be read, it is the same after it was written.
    #[test]
    fn a_file_is_read_as_it_was_written(lines in prop::collection::vec("[a-z \t\"'\\\\#$x0-9{}]{0,24}|global|backend b", 0..12)) {
        let text = lines.join("\n");
        if let Ok(document) = parse(&text) {
            prop_assert_eq!(parse(&document.to_string()).unwrap(), document);
        }
    }

    #[test]
    fn nothing_makes_the_reader_panic(text in any::<String>()) {
        let _ = parse(&text);
    }
}
