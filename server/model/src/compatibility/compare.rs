//! Looks for values that one schema allows and another does not.

use serde_json::Value;

use super::{
    Side,
    form::{Form, forms, is_annotation, is_kind},
    limits,
    same::{Pair, Sameness},
};
use crate::bounds::COMPARISONS_MAX;

/// Where a schema allows what the other does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) path: String,
    pub(super) message: String,
}

/// A new input must take what the old one took: `wide` is the new schema, `narrow` the old one. A new
/// output must give what the old one gave: there it is the other way round.
pub(super) struct Comparison<'s> {
    side: Side,
    roots: Pair<'s>,
    /// Pairs that are being compared: one within itself has no gaps of its own.
    under_way: Vec<(usize, usize)>,
    steps: usize,
    path: String,
}

/// Schemas within one another.
const DEPTH_MAX: usize = 200;

static ANYTHING: Value = Value::Bool(true);

const INCOMPARABLE: &str = "is changed in a way that can't be compared";

/// Keywords of which it can be told only whether they are the same.
const OPAQUE: [&str; 16] = [
    "not",
    "if",
    "then",
    "else",
    "dependentSchemas",
    "dependentRequired",
    "dependencies",
    "patternProperties",
    "propertyNames",
    "contains",
    "minContains",
    "maxContains",
    "unevaluatedProperties",
    "unevaluatedItems",
    "$dynamicRef",
    "additionalItems",
];

impl<'s> Comparison<'s> {
    pub(super) fn new(side: Side, wide: &'s Value, narrow: &'s Value) -> Self {
        let roots = Pair { wide, narrow };
        Self { side, roots, under_way: Vec::new(), steps: 0, path: String::new() }
    }

    pub(super) fn run(mut self) -> Vec<Gap> {
        // Forms that refer to each other may be more than can be compared one by one.
        if self.roots.wide == self.roots.narrow {
            return Vec::new();
        }
        let mut gaps: Vec<Gap> = Vec::new();
        for gap in self.schemas(self.roots) {
            if !gaps.contains(&gap) {
                gaps.push(gap);
            }
        }
        gaps
    }

    pub(super) fn say(&self, input: &str, output: &str) -> Vec<Gap> {
        vec![self.gap(if self.side == Side::Input { input } else { output })]
    }

    fn gap(&self, message: &str) -> Gap {
        Gap { path: self.path.clone(), message: message.to_owned() }
    }

    pub(super) fn is_input(&self) -> bool {
        self.side == Side::Input
    }

    /// Does `work` one level down.
    pub(super) fn at(&mut self, segment: &str, work: impl FnOnce(&mut Self) -> Vec<Gap>) -> Vec<Gap> {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(&segment.replace('~', "~0").replace('/', "~1"));
        let gaps = work(self);
        self.path.truncate(length);
        gaps
    }

    pub(super) fn schemas(&mut self, pair: Pair<'s>) -> Vec<Gap> {
        let key = (std::ptr::from_ref(pair.wide) as usize, std::ptr::from_ref(pair.narrow) as usize);
        if self.under_way.contains(&key) || allows_all(pair.wide) || *pair.narrow == Value::Bool(false) {
            return Vec::new();
        }
        self.steps += 1;
        if self.steps > COMPARISONS_MAX || self.under_way.len() > DEPTH_MAX {
            return vec![self.gap("is too large to be compared")];
        }
        self.under_way.push(key);
        let gaps = match (forms(pair.wide, self.roots.wide), forms(pair.narrow, self.roots.narrow)) {
            (Some(wide), Some(narrow)) => self.choices(&wide, &narrow),
            _ => self.if_same(|same| same.schemas(pair)),
        };
        self.under_way.pop();
        gaps
    }

    fn if_same(&self, same: impl FnOnce(&mut Sameness<'s>) -> bool) -> Vec<Gap> {
        let is_same = same(&mut Sameness::new(self.roots));
        if is_same { Vec::new() } else { vec![self.gap(INCOMPARABLE)] }
    }

    /// Each narrow form must be within a wide one.
    fn choices(&mut self, wide: &[Form<'s>], narrow: &[Form<'s>]) -> Vec<Gap> {
        let mut gaps = Vec::new();
        for form in narrow {
            let candidates =
                wide.iter().filter(|candidate| candidate.value.is_none() || candidate.value == form.value);
            let mut akin = Vec::new();
            let mut fits = false;
            for candidate in candidates.filter(|candidate| candidate.may_hold(form)) {
                self.steps += 1;
                let found = self.forms(candidate, form);
                fits = found.is_empty();
                if fits {
                    break;
                }
                akin.push(found);
            }
            match (fits, akin.len()) {
                (true, _) => {}
                (false, 0) => gaps.push(self.missing(wide, form)),
                (false, 1) => gaps.extend(akin.pop().unwrap_or_default()),
                (false, _) => {
                    gaps.extend(
                        self.say("one of its forms is not taken any more", "may have a form that is new"),
                    );
                }
            }
        }
        gaps
    }

    /// What to say of a form that there is nothing like.
    fn missing(&self, wide: &[Form<'s>], form: &Form<'s>) -> Gap {
        let of_kind = |one: &&Form<'s>| one.kind == form.kind && one.value.is_some();
        let values = wide.iter().filter(of_kind).filter_map(|form| form.value).map(ToString::to_string);
        let values = values.collect::<Vec<_>>();
        let message = match (form.value, values.is_empty()) {
            (None, false) => {
                let values = shortened(&values.join(", "));
                if self.is_input() {
                    format!("must be one of {values} now")
                } else {
                    format!("may be another value than {values} now")
                }
            }
            _ => {
                let what = described(form);
                if self.is_input() {
                    format!("{what} is not taken any more")
                } else {
                    format!("may be {what} now")
                }
            }
        };
        self.gap(&message)
    }

    fn forms(&mut self, wide: &Form<'s>, narrow: &Form<'s>) -> Vec<Gap> {
        if wide.value.is_some() && wide.value == narrow.value {
            return Vec::new();
        }
        let mut gaps: Vec<Gap> =
            limits::gaps(self.side, wide, narrow).iter().map(|message| self.gap(message)).collect();
        if narrow.may_be("object") {
            gaps.extend(self.objects(wide, narrow));
        }
        if narrow.may_be("array") {
            gaps.extend(self.arrays(wide, narrow));
        }
        gaps.extend(self.opaque(wide, narrow));
        gaps
    }

    fn arrays(&mut self, wide: &Form<'s>, narrow: &Form<'s>) -> Vec<Gap> {
        let first = |form: &Form<'s>| form.rest.get("prefixItems").and_then(|items| items.as_array());
        let others = |form: &Form<'s>| form.rest.get("items").copied();
        let mut gaps = Vec::new();
        match (first(wide), first(narrow)) {
            (None, None) => {}
            (Some(wide), Some(narrow)) if wide.len() == narrow.len() => {
                for (at, (wide, narrow)) in wide.iter().zip(narrow).enumerate() {
                    gaps.extend(self.at(&at.to_string(), |this| this.schemas(Pair { wide, narrow })));
                }
            }
            _ => gaps.push(self.gap(INCOMPARABLE)),
        }
        if let Some(wide) = others(wide) {
            let narrow = others(narrow).unwrap_or(&ANYTHING);
            gaps.extend(self.at("*", |this| this.schemas(Pair { wide, narrow })));
        }
        gaps
    }

    fn opaque(&mut self, wide: &Form<'s>, narrow: &Form<'s>) -> Vec<Gap> {
        let asked = OPAQUE.into_iter().filter_map(|keyword| Some((keyword, *wide.rest.get(keyword)?)));
        let mut differs = asked.into_iter().any(|(keyword, wide)| {
            let same = |narrow| Sameness::new(self.roots).arguments(keyword, Pair { wide, narrow });
            !narrow.rest.get(keyword).is_some_and(|narrow| same(narrow))
        });
        // These name members, so without them other members are meant.
        let patterns = |form: &Form<'s>| form.rest.contains_key("patternProperties");
        differs |= patterns(narrow) && !patterns(wide);
        if differs { vec![self.gap(INCOMPARABLE)] } else { Vec::new() }
    }
}

fn allows_all(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => members.keys().all(|keyword| is_annotation(keyword)),
        schema => *schema == Value::Bool(true),
    }
}

impl Form<'_> {
    pub(super) fn may_be(&self, kind: &str) -> bool {
        self.kind.is_none_or(|own| own == kind)
    }

    /// Whether a form is of this one's type, and of its variant.
    fn may_hold(&self, narrow: &Self) -> bool {
        let of_kind = match (self.kind, narrow.kind) {
            (None, _) => true,
            (Some(of), Some(kind)) => is_kind(kind, of),
            (Some(_), None) => false,
        };
        of_kind
            && self.properties.iter().all(|(name, member)| {
                let other = narrow.properties.get(name).and_then(|member| member.get("const"));
                member.get("const").is_none_or(|tag| other.is_none_or(|other| tag == other))
            })
    }
}

fn described(form: &Form<'_>) -> String {
    match (form.value, form.kind) {
        (Some(value), _) => shortened(&value.to_string()),
        (None, None) => "just any value".to_owned(),
        (None, Some("null")) => "null".to_owned(),
        (None, Some(kind @ ("integer" | "array" | "object"))) => format!("an {kind}"),
        (None, Some(kind)) => format!("a {kind}"),
    }
}

fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 100;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
