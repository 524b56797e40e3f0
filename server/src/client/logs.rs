//! `busbar logs`: what the processes of a server wrote, in the order of time.
//!
//! It reads the files alone, so it works when the server does not.

mod backwards;
mod filter;
mod folder;
mod follow;
mod line;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use busbar_model::Timestamp;

use self::{
    backwards::Backwards,
    filter::{Filter, Level},
    folder::LogFile,
    follow::Following,
    line::{Line, Look},
};
use super::{
    Session,
    bounds::{LOG_LINES_MAX, LOG_LOOK_EVERY},
    failure::Usage,
    locate::Locator,
    text::duration,
};
use crate::{clock, layout::Layout, settings};

const LOG_DIR: &str = "BUSBAR_LOG_DIR";
/// Set to anything, it asks for no colours.
const NO_COLOR: &str = "NO_COLOR";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar logs\n  busbar logs --follow --level warn\n  busbar logs --correlation 0199c2a47d1e7b3f9a0c5d6e7f801234 --json\n  busbar logs --service 'orders.*' --since 10m --lines 1000\n  busbar logs --access --follow"
)]
pub(crate) struct Args {
    /// Only lines of the call with this correlation id.
    #[arg(long, value_name = "ID")]
    correlation: Option<String>,
    /// Only lines about this service; `orders.*` is about all whose names begin so.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Only lines that are at least so grave.
    #[arg(long, value_enum, ignore_case = true)]
    level: Option<Level>,
    /// Only lines that are not older: 250ms, 30s, 10m, 2h.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    since: Option<Duration>,
    /// At most so many lines, the newest.
    #[arg(long, value_name = "N", default_value_t = 100)]
    lines: usize,
    /// Goes on with new lines as they come, until it is interrupted.
    #[arg(long)]
    follow: bool,
    /// Only the access log: one line for each request.
    #[arg(long, conflicts_with = "no_access")]
    access: bool,
    /// Without the access log.
    #[arg(long)]
    no_access: bool,
}

impl Args {
    fn filter(&self, now: Timestamp) -> Filter {
        let since = self.since.map(|since| {
            let ago_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
            now.plus_ms(ago_ms.saturating_neg())
        });
        Filter::new(self.correlation.clone(), self.service.as_deref(), self.level, since)
    }

    fn takes(&self, file: &LogFile) -> bool {
        if file.is_access() { !self.no_access } else { !self.access }
    }
}

pub(crate) async fn run(session: &mut Session, args: Args) -> anyhow::Result<()> {
    if args.lines > LOG_LINES_MAX {
        return Err(Usage::error(format!("--lines is {}; at most {LOG_LINES_MAX} are shown", args.lines)));
    }
    let folder = log_folder(&session.locator)?;
    let filter = args.filter(clock::now());
    let look = Look::new(session.output.to_terminal() && session.locator.variable(NO_COLOR).is_none());
    let files = folder::files(&folder).map_err(|error| unreadable(&folder, &error))?;
    let mut following = Following::new(filter.clone());
    let mut newest = Newest { most: args.lines, lines: Vec::new(), left_out: false };
    for file in files.into_iter().filter(|file| args.takes(file)) {
        let mut reader = match Backwards::open(&file.path) {
            Ok(reader) => reader,
            // Set aside between the listing and now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                session.output.note(&format!("{} can't be read: {error}", file.path.display()))?;
                continue;
            }
        };
        newest
            .take(&file, &mut reader, &filter)
            .with_context(|| format!("failed to read {}", file.path.display()))?;
        following.go_on_after(&file, reader);
    }
    let narrowed = args.since.is_some() || args.correlation.is_some();
    let (lines, left_out) = newest.sorted();
    show(session, &look, &lines)?;
    if left_out && narrowed && !args.follow {
        session
            .output
            .note(&format!("older lines were left out; --lines N shows more than {}", args.lines))?;
    }
    while args.follow && !session.output.is_gone() {
        tokio::time::sleep(LOG_LOOK_EVERY).await;
        let files = folder::files(&folder).map_err(|error| unreadable(&folder, &error))?;
        let lines = following.new_lines(files.into_iter().filter(|file| args.takes(file)));
        show(session, &look, &lines)?;
    }
    Ok(())
}

/// Where a server's processes write. Of the environment only that key counts: the rest of it is for servers.
fn log_folder(locator: &Locator) -> anyhow::Result<PathBuf> {
    let folder = locator.folder_named();
    let layout = Layout::existing(&folder)
        .map_err(|error| Usage::error(format!("{} is no server's folder: {error}", folder.display())))?;
    if let Some(logs) = locator.variable(LOG_DIR) {
        return Ok(logs.into());
    }
    let settings = settings::load(&layout.settings_file(), &BTreeMap::new())
        .map_err(|error| Usage::error(error.to_string()))?;
    Ok(settings.log.dir.unwrap_or_else(|| layout.logs()))
}

fn unreadable(folder: &Path, error: &io::Error) -> anyhow::Error {
    Usage::error(format!("the log folder {} can't be read: {error}", folder.display()))
}

fn show(session: &mut Session, look: &Look, lines: &[Line]) -> anyhow::Result<()> {
    let mut text = String::new();
    for line in lines {
        let raw = session.output.json() && !session.output.to_terminal();
        match session.output.json() {
            true if raw => text.push_str(line.raw()),
            true => text.push_str(&super::text::one_line(line.raw())),
            false => look.write(line, &mut text),
        }
        text.push('\n');
    }
    if !text.is_empty() {
        session.output.bytes(text.as_bytes())?;
    }
    Ok(())
}

/// The last lines of all files together.
struct Newest {
    most: usize,
    lines: Vec<Line>,
    /// Whether there were more.
    left_out: bool,
}

impl Newest {
    /// Takes lines of a file from its end on, as long as they can be among the last of all.
    fn take(&mut self, file: &LogFile, reader: &mut Backwards, filter: &Filter) -> io::Result<()> {
        let mut found = Vec::new();
        while let Some(text) = reader.next_line()? {
            let line = filter.candidate(text).and_then(|text| Line::parse(text, &file.process));
            let Some(line) = line else { continue };
            if filter.is_past(&line) {
                break;
            }
            if filter.takes(&line) {
                if found.len() == self.most {
                    self.left_out = true;
                    break;
                }
                found.push(line);
            }
        }
        // Those of one moment stay in the order in which they were written.
        self.lines.extend(found.into_iter().rev());
        if self.lines.len() > 2 * self.most {
            self.shorten();
        }
        Ok(())
    }

    fn shorten(&mut self) {
        line::sort(&mut self.lines);
        let more = self.lines.len().saturating_sub(self.most);
        self.left_out |= more > 0;
        self.lines.drain(..more);
    }

    /// The oldest first, and whether there were more.
    fn sorted(mut self) -> (Vec<Line>, bool) {
        self.shorten();
        (self.lines, self.left_out)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _, path::Path, time::Duration};

    use clap::Parser;

    use super::{Args, run};
    use crate::client::{
        Session,
        failure::conclude,
        locate::Locator,
        output::tests::{Said, recorded},
    };

    #[derive(Parser)]
    struct Words {
        #[command(flatten)]
        args: Args,
    }

    fn args(line: &str) -> Args {
        Words::try_parse_from(std::iter::once("logs").chain(line.split_whitespace())).unwrap().args
    }

    fn session(folder: &Path, json: bool) -> (Session, Said, Said) {
        let (output, out, err) = recorded(json, None);
        let locator = Locator::new(Some(folder.to_owned()), |_| None);
        (Session::new(locator, std::path::PathBuf::new(), output), out, err)
    }

    async fn logs(folder: &Path, line: &str) -> (u8, String, String) {
        let (mut session, out, err) = session(folder, line.contains("--json"));
        let outcome = run(&mut session, args(&line.replace("--json", ""))).await;
        (conclude(&mut session.output, outcome), out.text(), err.text())
    }

    fn line(second: u32, level: &str, message: &str) -> String {
        let time = format!("2026-01-02T04:05:{second:02}.000001Z");
        format!(
            r#"{{"timestamp":"{time}","level":"{level}","message":"{message}","correlation_id":"c-{second}"}}"#
        ) + "\n"
    }

    /// A server's folder with some logs.
    fn written() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("logs");
        fs::create_dir(&logs).unwrap();
        let write = |name: &str, text: String| fs::write(logs.join(name), text).unwrap();
        write("worker-0.jsonl.1", line(1, "INFO", "one"));
        write(
            "worker-0.jsonl",
            line(3, "WARN", "three") + "noise\n\u{0}\n{\"level\":\n" + &line(5, "INFO", "five"),
        );
        let access =
            r#"{"timestamp":"2026-01-02T04:05:04Z","level":"INFO","target":"access","method":"GET"}"#;
        write("access-0.jsonl", format!("{access}\n"));
        write(
            "parent.jsonl",
            line(2, "ERROR", "two") + &line(6, "INFO", "six") + r#"{"timestamp":"2026-11-21"#,
        );
        folder
    }

    fn messages(text: &str) -> Vec<&str> {
        text.lines().map(|line| line.split_whitespace().nth(3).unwrap()).collect()
    }

    #[tokio::test]
    async fn all_files_are_merged_in_the_order_of_time() {
        let folder = written();
        let (code, text, _) = logs(folder.path(), "").await;
        assert_eq!((code, messages(&text)), (0, vec!["one", "two", "three", "GET", "five", "six"]));
        assert!(
            text.starts_with("2026-01-02T04:05:01.000Z  INFO worker-0  one correlation_id=c-1\n"),
            "{text}"
        );
        let (_, text, _) = logs(folder.path(), "--lines 2").await;
        assert_eq!(messages(&text), ["five", "six"]);
        let (_, text, _) = logs(folder.path(), "--lines 0").await;
        assert_eq!(text, "");
    }

    #[tokio::test]
    async fn what_is_shown_can_be_chosen() {
        let folder = written();
        for (line, expected) in [
            ("--level warn", &["two", "three"][..]),
            ("--correlation c-5", &["five"]),
            ("--access", &["GET"]),
            ("--no-access --level info --lines 3", &["three", "five", "six"]),
            ("--since 1h", &[]),
            ("--service orders.*", &[]),
        ] {
            let (code, text, _) = logs(folder.path(), line).await;
            assert_eq!((code, messages(&text).as_slice()), (0, expected), "{line}");
        }
        let (_, text, _) = logs(folder.path(), "--correlation c-5 --json").await;
        assert_eq!(text, line(5, "INFO", "five"));
        let (_, _, note) = logs(folder.path(), "--since 999999h --lines 1").await;
        assert!(note.contains("older lines were left out"), "{note}");
    }

    #[tokio::test]
    async fn the_settings_say_where_logs_are() {
        let folder = written();
        fs::rename(folder.path().join("logs"), folder.path().join("elsewhere")).unwrap();
        let (code, _, said) = logs(folder.path(), "").await;
        assert!(code == 2 && said.contains("log folder"), "{said}");
        let elsewhere = folder.path().join("elsewhere");
        fs::write(folder.path().join("busbar.toml"), format!("[log]\ndir = {elsewhere:?}\n")).unwrap();
        assert_eq!(logs(folder.path(), "").await.1.lines().count(), 6);
        let (code, _, said) = logs(&folder.path().join("nowhere"), "").await;
        assert!(code == 2 && said.contains("no server's folder"), "{said}");
    }

    #[tokio::test]
    async fn new_lines_follow_across_files_set_aside() {
        let folder = written();
        let logs = folder.path().join("logs");
        let (mut session, out, _) = session(folder.path(), false);
        let following =
            tokio::spawn(async move { run(&mut session, args("--follow --lines 1 --no-access")).await });
        let wait = async |expected: &[&str]| {
            for _ in 0..400 {
                if messages(&out.text()) == expected {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            panic!("{}", out.text());
        };
        wait(&["six"]).await;
        // Before this line stands what was written by half.
        let mut worker = fs::OpenOptions::new().append(true).open(logs.join("worker-0.jsonl")).unwrap();
        let seven = line(7, "INFO", "seven");
        worker.write_all(&seven.as_bytes()[..20]).unwrap();
        wait(&["six"]).await;
        worker.write_all(&seven.as_bytes()[20..]).unwrap();
        wait(&["six", "seven"]).await;
        worker.write_all(line(8, "INFO", "eight").as_bytes()).unwrap();
        fs::rename(logs.join("worker-0.jsonl"), logs.join("worker-0.jsonl.1")).unwrap();
        fs::write(logs.join("worker-0.jsonl"), line(9, "INFO", "nine")).unwrap();
        fs::write(logs.join("worker-7.jsonl"), line(10, "INFO", "ten")).unwrap();
        fs::write(logs.join("access-7.jsonl"), line(11, "INFO", "eleven")).unwrap();
        wait(&["six", "seven", "eight", "nine", "ten"]).await;
        following.abort();
    }
}
