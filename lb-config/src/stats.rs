//! What `show stat` says of servers.

use serde::{Deserialize, Serialize};

/// Of one server. Counters begin anew with each reload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerStats {
    pub backend: String,
    pub name: String,
    /// `UP`, `DOWN`, `DRAIN`, `MAINT`, `NOLB` or `no check`, as HAProxy says it, without what follows (`UP 1/3`). One that
    /// is up with a weight of 0 is `DRAIN` here, since it gets nothing new.
    pub status: String,
    pub address: String,
    pub weight: u64,
    pub sessions: u64,
    pub sessions_max: u64,
    pub sessions_total: u64,
    /// Requests that wait for this server.
    pub queued: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub responses_2xx: u64,
    pub responses_4xx: u64,
    pub responses_5xx: u64,
    pub connection_errors: u64,
    pub response_errors: u64,
    pub retries: u64,
    /// Requests that went to another server after an attempt at this one.
    pub redispatches: u64,
    /// Mean of the last 1,024 requests.
    pub response_ms: u64,
    /// Such as `L7OK` or `L4CON`; empty where nothing is checked.
    pub check: String,
    pub check_detail: String,
    /// Since the state last changed.
    pub changed_s: u64,
    pub down_s: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatsError {
    #[error("the first line does not begin with \"# pxname\": it is no answer to \"show stat\"")]
    Head,
    #[error("line {line} has {found} fields, fewer than the {expected} that are named")]
    Fields { line: usize, found: usize, expected: usize },
    #[error("line {line}: {field} is {value:?}: a whole number is expected")]
    Number { line: usize, field: &'static str, value: String },
    #[error("line {line} has a quote that does not end")]
    Quote { line: usize },
}

/// Servers only, in HAProxy's order.
pub fn parse(csv: &str) -> Result<Vec<ServerStats>, StatsError> {
    let mut lines =
        csv.lines().enumerate().map(|(number, line)| (number + 1, line)).filter(|(_, line)| !line.is_empty());
    let (_, head) = lines.next().ok_or(StatsError::Head)?;
    let head = head.strip_prefix("# ").filter(|head| head.starts_with("pxname,")).ok_or(StatsError::Head)?;
    let names: Vec<&str> = head.trim_end_matches(',').split(',').collect();
    let rows = lines.map(|(line, text)| {
        let values = fields(text, line)?;
        if values.len() < names.len() {
            return Err(StatsError::Fields { line, found: values.len(), expected: names.len() });
        }
        Ok(Row { line, names: &names, values })
    });
    let servers = rows.filter(|row| row.as_ref().map_or(true, Row::is_server));
    servers.map(|row| row?.server()).collect()
}

struct Row<'a> {
    line: usize,
    names: &'a [&'a str],
    values: Vec<String>,
}

impl Row<'_> {
    fn text(&self, field: &str) -> &str {
        let place = self.names.iter().position(|name| *name == field);
        place.and_then(|place| self.values.get(place)).map_or("", String::as_str)
    }

    /// A field that is empty, or that this HAProxy does not have, is 0.
    fn number(&self, field: &'static str) -> Result<u64, StatsError> {
        let value = self.text(field);
        // What is counted down from is told as -1.
        if value.is_empty() || value == "-1" {
            return Ok(0);
        }
        value.parse().map_err(|_| StatsError::Number { line: self.line, field, value: value.to_owned() })
    }

    fn is_server(&self) -> bool {
        self.text("type") == "2"
    }

    fn server(&self) -> Result<ServerStats, StatsError> {
        let status = self.text("status");
        let weight = self.number("weight")?;
        let status = match status.split([' ', '(']).next() {
            Some("UP") if weight == 0 => "DRAIN",
            Some(word) if status != "no check" => word,
            _ => status,
        };
        Ok(ServerStats {
            backend: self.text("pxname").to_owned(),
            name: self.text("svname").to_owned(),
            status: status.to_owned(),
            address: self.text("addr").to_owned(),
            weight,
            sessions: self.number("scur")?,
            sessions_max: self.number("smax")?,
            sessions_total: self.number("stot")?,
            queued: self.number("qcur")?,
            bytes_in: self.number("bin")?,
            bytes_out: self.number("bout")?,
            responses_2xx: self.number("hrsp_2xx")?,
            responses_4xx: self.number("hrsp_4xx")?,
            responses_5xx: self.number("hrsp_5xx")?,
            connection_errors: self.number("econ")?,
            response_errors: self.number("eresp")?,
            retries: self.number("wretr")?,
            redispatches: self.number("wredis")?,
            response_ms: self.number("rtime")?,
            check: self.text("check_status").trim_start_matches("* ").to_owned(),
            check_detail: self.text("last_chk").to_owned(),
            changed_s: self.number("lastchg")?,
            down_s: self.number("downtime")?,
        })
    }
}

/// A field may be quoted, a quote in it doubled.
fn fields(text: &str, line: usize) -> Result<Vec<String>, StatsError> {
    let mut fields = vec![String::new()];
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(char) = chars.next() {
        match (char, quoted) {
            ('"', true) if chars.peek() == Some(&'"') => {
                chars.next();
                fields.last_mut().into_iter().for_each(|field| field.push('"'));
            }
            ('"', _) => quoted = !quoted,
            (',', false) => fields.push(String::new()),
            (char, _) => fields.last_mut().into_iter().for_each(|field| field.push(char)),
        }
    }
    if quoted { Err(StatsError::Quote { line }) } else { Ok(fields) }
}
