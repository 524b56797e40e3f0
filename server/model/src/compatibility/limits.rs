//! Keywords that bound numbers, lengths and counts, or ask for a pattern.

use serde_json::Value;

use super::{
    Side,
    form::{Form, is_kind},
};

/// A bound on numbers: where it is, and whether it is itself outside.
type Bound = (f64, bool);

/// Bounds of lengths and counts: the keywords, the type they are for and the unit.
const COUNTS: [(&str, &str, &str, &str); 3] = [
    ("minLength", "maxLength", "string", "characters"),
    ("minItems", "maxItems", "array", "items"),
    ("minProperties", "maxProperties", "object", "members"),
];

/// What values of `narrow` may be that values of `wide` may not, in words.
pub(super) fn gaps(side: Side, wide: &Form<'_>, narrow: &Form<'_>) -> Vec<String> {
    let pairs = [numbers(wide, narrow), counts(wide, narrow), texts(wide, narrow), items(wide, narrow)];
    let worded = |(input, output)| if side == Side::Input { input } else { output };
    pairs.into_iter().flatten().map(worded).collect()
}

/// A gap, as it is said of an input and of an output.
type Words = (String, String);

fn numbers(wide: &Form<'_>, narrow: &Form<'_>) -> Vec<Words> {
    let mut gaps = Vec::new();
    if !may_be(narrow, "number") {
        return gaps;
    }
    if let Some(low) = lower(wide)
        && lower(narrow).is_none_or(|other| is_below(other, low))
    {
        gaps.push(match low {
            (number, true) => {
                (format!("must be more than {number} now"), format!("may be {number} or less now"))
            }
            (number, false) => {
                (format!("must not be less than {number} now"), format!("may be less than {number} now"))
            }
        });
    }
    if let Some(high) = upper(wide)
        && upper(narrow).is_none_or(|other| is_above(other, high))
    {
        gaps.push(match high {
            (number, true) => {
                (format!("must be less than {number} now"), format!("may be {number} or more now"))
            }
            (number, false) => {
                (format!("must not be more than {number} now"), format!("may be more than {number} now"))
            }
        });
    }
    if let Some(step) = number(wide, "multipleOf").filter(|step| !is_multiple(narrow, *step)) {
        gaps.push((format!("must be a multiple of {step} now"), format!("may be no multiple of {step} now")));
    }
    gaps
}

fn counts(wide: &Form<'_>, narrow: &Form<'_>) -> Vec<Words> {
    let mut gaps = Vec::new();
    for (least, most, kind, unit) in COUNTS.into_iter().filter(|(_, _, kind, _)| may_be(narrow, kind)) {
        let low = count(wide, least, kind);
        if let Some(low) = low.filter(|low| count(narrow, least, kind).unwrap_or(0) < *low) {
            gaps.push((
                format!("must have at least {low} {unit} now"),
                format!("may have fewer than {low} {unit} now"),
            ));
        }
        let high = count(wide, most, kind);
        if let Some(high) = high.filter(|high| count(narrow, most, kind).is_none_or(|other| other > *high)) {
            gaps.push((
                format!("must have at most {high} {unit} now"),
                format!("may have more than {high} {unit} now"),
            ));
        }
    }
    gaps
}

fn texts(wide: &Form<'_>, narrow: &Form<'_>) -> Vec<Words> {
    let mut gaps = Vec::new();
    for (keyword, what) in [("pattern", "match the pattern"), ("format", "be in the format")] {
        let asked = wide.rest.get(keyword).and_then(|argument| argument.as_str());
        let kept = narrow.rest.get(keyword).and_then(|argument| argument.as_str());
        if let Some(asked) = asked.filter(|asked| may_be(narrow, "string") && kept != Some(asked)) {
            gaps.push((format!("must {what} {asked} now"), format!("may not {what} {asked} any more")));
        }
    }
    gaps
}

fn items(wide: &Form<'_>, narrow: &Form<'_>) -> Vec<Words> {
    let unique =
        |form: &Form<'_>| form.rest.get("uniqueItems").is_some_and(|unique| unique.as_bool() == Some(true));
    if !may_be(narrow, "array") || !unique(wide) || unique(narrow) {
        return Vec::new();
    }
    vec![("must not have the same item twice now".into(), "may have the same item twice now".into())]
}

fn may_be(form: &Form<'_>, kind: &str) -> bool {
    form.kind.is_none_or(|own| is_kind(own, kind))
}

fn number(form: &Form<'_>, keyword: &str) -> Option<f64> {
    form.rest.get(keyword).and_then(|argument| argument.as_f64())
}

/// A length or count; that of the value itself where there is one only.
fn count(form: &Form<'_>, keyword: &str, kind: &str) -> Option<u64> {
    let of_value = match form.value {
        Some(Value::String(text)) if kind == "string" => Some(text.chars().count()),
        Some(Value::Array(items)) if kind == "array" => Some(items.len()),
        Some(Value::Object(members)) if kind == "object" => Some(members.len()),
        _ => None,
    };
    match of_value {
        Some(count) => u64::try_from(count).ok(),
        None => form.rest.get(keyword).and_then(|argument| argument.as_u64()),
    }
}

fn lower(form: &Form<'_>) -> Option<Bound> {
    let own = form.value.and_then(Value::as_f64);
    let bounds = [own, number(form, "minimum"), range(form).map(|(low, _)| low)];
    let bounds = bounds.into_iter().flatten().map(|number| (number, false));
    let bounds = bounds.chain(number(form, "exclusiveMinimum").map(|number| (number, true)));
    bounds.reduce(|one, other| if is_below(one, other) { other } else { one })
}

fn upper(form: &Form<'_>) -> Option<Bound> {
    let own = form.value.and_then(Value::as_f64);
    let bounds = [own, number(form, "maximum"), range(form).map(|(_, high)| high)];
    let bounds = bounds.into_iter().flatten().map(|number| (number, false));
    let bounds = bounds.chain(number(form, "exclusiveMaximum").map(|number| (number, true)));
    bounds.reduce(|one, other| if is_above(one, other) { other } else { one })
}

/// Whether a lower bound lets in more than another.
fn is_below(bound: Bound, other: Bound) -> bool {
    bound.0 < other.0 || (bound.0.total_cmp(&other.0).is_eq() && !bound.1 && other.1)
}

fn is_above(bound: Bound, other: Bound) -> bool {
    bound.0 > other.0 || (bound.0.total_cmp(&other.0).is_eq() && !bound.1 && other.1)
}

/// What a format such as `uint32` holds.
fn range(form: &Form<'_>) -> Option<(f64, f64)> {
    let format = form.rest.get("format").and_then(|argument| argument.as_str())?;
    let (signed, bits) = match format.strip_prefix('u') {
        Some(rest) => (false, rest.strip_prefix("int")?),
        None => (true, format.strip_prefix("int")?),
    };
    let bits: i32 = bits.parse().ok().filter(|bits| (1..=128).contains(bits))?;
    let whole = f64::from(bits);
    Some(if signed { (-(whole - 1.0).exp2(), (whole - 1.0).exp2() - 1.0) } else { (0.0, whole.exp2() - 1.0) })
}

fn is_multiple(form: &Form<'_>, step: f64) -> bool {
    let whole = |number: f64| (number / step).fract() == 0.0;
    let counts = form.kind == Some("integer") && whole(1.0);
    counts
        || number(form, "multipleOf").is_some_and(|own| own.total_cmp(&step).is_eq() || whole(own))
        || form.value.and_then(Value::as_f64).is_some_and(whole)
}
