//! Records: members in any order, arrays as elements that repeat anywhere among them.
//!
//! JSON is written as the elements come. Where they come in another order than the declared one, the members' places in
//! it are put in order when the record ends, once; so a document is read in time linear in its length.

use super::{
    Reading,
    failure::{Failure, Step, invalid},
    names::Known,
    push_key, tag,
};
use crate::shape::{Member, Occurs, Record, Type, TypeId};

/// Elements of one member that follow each other: what they wrote, without brackets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    start: usize,
    end: usize,
    member: u32,
    items: u32,
}

/// A record while it is read.
struct Open<'s> {
    record: &'s Record,
    known: Known<'s>,
    /// Its first run: those of the records around it come before.
    runs_from: usize,
    last: Option<usize>,
    seen: Marks,
    /// Arrays that are `null`.
    nulls: Marks,
    in_order: bool,
}

/// A set of members.
#[derive(Default)]
struct Marks {
    first: u64,
    rest: Vec<u64>,
}

impl Marks {
    fn word(&mut self, at: usize) -> &mut u64 {
        match (at / 64).checked_sub(1) {
            None => &mut self.first,
            Some(word) => {
                if self.rest.len() <= word {
                    self.rest.resize(word + 1, 0);
                }
                &mut self.rest[word]
            }
        }
    }

    /// Whether it was set before.
    fn set(&mut self, at: usize) -> bool {
        let bit = 1 << (at % 64);
        let word = self.word(at);
        let before = *word & bit != 0;
        *word |= bit;
        before
    }

    fn has(&self, at: usize) -> bool {
        let word = match (at / 64).checked_sub(1) {
            None => Some(&self.first),
            Some(word) => self.rest.get(word),
        };
        word.is_some_and(|word| word & (1 << (at % 64)) != 0)
    }
}

impl<'s> Reading<'s, '_, '_> {
    /// The element that was just started, read to its end. If it may be `empty`, an element without any content is `null`,
    /// or `{}` where nothing is missing in that.
    pub(super) fn record(&mut self, id: TypeId, declared: &Type, record: &'s Record, empty: bool) -> Step {
        let known = self.names.of(id, record);
        self.open('{')?;
        if let Some((name, value)) = &record.tag {
            push_key(&mut self.out, name);
            crate::json::push_string(&mut self.out, value);
        }
        self.attributes(declared, record, &known)?;
        if let [member] = record.members.as_slice()
            && member.occurs == Occurs::Content
        {
            push_key(&mut self.out, &member.json);
            self.value(member.element.value).map_err(|failure| failure.within(&member.json))?;
            self.close('}');
            return Ok(());
        }
        let body = self.out.len();
        let mut more = self.child()?;
        if !(empty && !more && self.out.ends_with('{')) {
            let mut open = Open {
                record,
                known,
                runs_from: self.runs.len(),
                last: None,
                seen: Marks::default(),
                nulls: Marks::default(),
                in_order: true,
            };
            while more {
                self.member(&mut open)?;
                more = self.child()?;
            }
            self.finish(&mut open, body)?;
        } else if record.members.iter().any(|member| member.required)
            || record.attributes.iter().any(|attribute| attribute.required)
        {
            // `{}` is none of these: what has nothing is `null`.
            self.shallower();
            self.out.pop();
            self.out.push_str("null");
            return Ok(());
        }
        self.close('}');
        Ok(())
    }

    /// The element that was just started, as a member or an item of one.
    fn member(&mut self, open: &mut Open<'s>) -> Step {
        let found = open.known.member(open.last.unwrap_or(0), self.xml.namespace(), self.xml.local());
        let Some(at) = found else {
            if self.foreign {
                return Ok(self.xml.skip()?);
            }
            let elements = open.record.members.iter().map(|member| &member.element);
            let named = elements.map(|element| (self.names.uri(&element.namespace), element.name.as_str()));
            return Err(invalid(tag::unknown(self.xml, open.known.target(), named)));
        };
        let member = &open.record.members[at];
        match member.occurs {
            Occurs::Once => {
                if open.seen.set(at) {
                    return Err(invalid("is given twice").within(&member.json));
                }
                self.begin(open, at, member);
                self.element(&member.element).map_err(|failure| failure.within(&member.json))?;
            }
            Occurs::Repeated => self.item(open, at, member)?,
            Occurs::Content => return Err(invalid("has text where only elements can be")),
        }
        // The runs of what was just read are gone again, so the last one is this member's.
        let end = self.out.len();
        if let Some(run) = self.runs.last_mut() {
            run.end = end;
            run.items = run.items.saturating_add(1);
        }
        Ok(())
    }

    fn item(&mut self, open: &mut Open<'s>, at: usize, member: &'s Member) -> Step {
        let is_nil =
            self.is_nil().map_err(|failure| self.item_failed(failure, open, at, self.runs.len(), member))?;
        let seen = open.seen.set(at);
        let null = is_nil && member.required && member.nullable;
        if seen && (null || open.nulls.has(at)) {
            return Err(invalid("is null, so it can't have other elements").within(&member.json));
        }
        if null {
            open.nulls.set(at);
            self.begin(open, at, member);
            return self.null(&member.element).map_err(|failure| failure.within(&member.json));
        }
        if open.last == Some(at) {
            self.out.push(',');
        } else {
            self.begin(open, at, member);
        }
        let runs = self.runs.len();
        self.deeper().map_err(|failure| failure.within(&member.json))?;
        self.element(&member.element).map_err(|failure| self.item_failed(failure, open, at, runs, member))?;
        self.shallower();
        Ok(())
    }

    /// The path of an item, whose index is counted only now.
    fn item_failed(
        &self,
        failure: Box<Failure>,
        open: &Open<'s>,
        at: usize,
        runs: usize,
        member: &Member,
    ) -> Box<Failure> {
        let own = self.runs.get(open.runs_from..runs).unwrap_or_default();
        let index: usize =
            own.iter().filter(|run| run.member as usize == at).map(|run| run.items as usize).sum();
        failure.within(index).within(&member.json)
    }

    /// A run of a member, behind what the last one still lacks.
    fn begin(&mut self, open: &mut Open<'s>, at: usize, member: &Member) {
        self.end(open);
        open.in_order &= open.last.is_none_or(|last| last < at);
        open.last = Some(at);
        push_key(&mut self.out, &member.json);
        if member.occurs == Occurs::Repeated && !open.nulls.has(at) {
            self.out.push('[');
        }
        let start = self.out.len();
        self.runs.push(Run { start, end: start, member: u32::try_from(at).unwrap_or(u32::MAX), items: 0 });
    }

    fn end(&mut self, open: &Open<'s>) {
        if let Some(last) = open.last
            && open.record.members[last].occurs == Occurs::Repeated
            && !open.nulls.has(last)
        {
            self.out.push(']');
        }
    }

    fn finish(&mut self, open: &mut Open<'s>, body: usize) -> Step {
        if self.foreign {
            let mut members = open.record.members.iter().enumerate();
            if let Some((_, member)) = members.find(|(at, member)| member.required && !open.seen.has(*at)) {
                return Err(invalid("is missing").within(&member.json));
            }
        }
        for at in open.known.required_arrays() {
            if !open.seen.has(at) {
                self.begin(open, at, &open.record.members[at]);
            }
        }
        self.end(open);
        if !open.in_order {
            self.put_in_order(open, body);
        }
        self.runs.truncate(open.runs_from);
        Ok(())
    }

    /// Writes the members again, which begin at `body`.
    fn put_in_order(&mut self, open: &Open<'s>, body: usize) {
        let Some(runs) = self.runs.get_mut(open.runs_from..) else { return };
        runs.sort_by_key(|run| run.member);
        self.scratch.clear();
        self.scratch.push_str(&self.out[body..]);
        self.out.truncate(body);
        for runs in runs.chunk_by(|one, other| one.member == other.member) {
            let Some(at) = runs.first().map(|run| run.member as usize) else { continue };
            let member = &open.record.members[at];
            let is_array = member.occurs == Occurs::Repeated && !open.nulls.has(at);
            push_key(&mut self.out, &member.json);
            self.out.push_str(if is_array { "[" } else { "" });
            for (nth, run) in runs.iter().enumerate() {
                self.out.push_str(if nth > 0 { "," } else { "" });
                self.out.push_str(&self.scratch[run.start - body..run.end - body]);
            }
            self.out.push_str(if is_array { "]" } else { "" });
        }
    }
}
