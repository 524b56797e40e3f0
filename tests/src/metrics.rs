//! The Prometheus text format, as far as the tests read it.

use std::collections::BTreeMap;

/// One sample: its labels and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// All samples of a page.
#[derive(Clone, Debug)]
pub struct Samples(Vec<Sample>);

impl Samples {
    /// Panics where a line is neither a comment nor a sample.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(lines.map(|line| sample(line).unwrap_or_else(|| panic!("{line:?} is no sample"))).collect())
    }

    /// The sum of the samples that have all these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |sample: &Sample| {
            labels.iter().all(|(k, v)| sample.labels.get(*k).is_some_and(|value| value == v))
        };
        self.0.iter().filter(|sample| sample.name == name && has(sample)).map(|sample| sample.value).sum()
    }

    pub fn named(&self, name: &str) -> Vec<&Sample> {
        self.0.iter().filter(|sample| sample.name == name).collect()
    }
}

fn sample(line: &str) -> Option<Sample> {
    let (series, value) = match line.find('}') {
        Some(end) => line.split_at(end + 1),
        None => line.split_at(line.find(' ')?),
    };
    let value = value.split_whitespace().next()?.parse().ok()?;
    let Some((name, labels)) = series.split_once('{') else {
        return Some(Sample { name: series.to_owned(), labels: BTreeMap::new(), value });
    };
    let mut rest = labels.strip_suffix('}')?;
    let mut labels = BTreeMap::new();
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"")?;
        let end = after.find('"')?;
        labels.insert(label.trim_start_matches(',').trim().to_owned(), after[..end].to_owned());
        rest = &after[end + 1..];
    }
    Some(Sample { name: name.to_owned(), labels, value })
}

#[cfg(test)]
mod tests {
    use super::Samples;

    #[test]
    fn reads_samples_and_adds_them_up() {
        let text = "# HELP a text\n# TYPE a counter\na{x=\"1\",y=\"p q\"} 2\na{x=\"1\",y=\"r\"} 3 1700000000\na{} 7\nb 1.5e3\n";
        let samples = Samples::parse(text);
        assert!((samples.sum("a", &[("x", "1")]) - 5.0).abs() < 1e-9);
        assert!((samples.sum("a", &[("y", "p q")]) - 2.0).abs() < 1e-9);
        assert!((samples.sum("a", &[]) - 12.0).abs() < 1e-9);
        assert!((samples.sum("b", &[]) - 1500.0).abs() < 1e-9);
    }

    #[test]
    #[should_panic(expected = "is no sample")]
    fn refuses_what_is_no_sample() {
        Samples::parse("a{x=1 2");
    }
}
