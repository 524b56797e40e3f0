//! What an operation comes to, from the type of its payload on.

use busbar_model::bounds::WSDL_VISITS_MAX;

use super::Compiled;
use crate::{
    client::Refused,
    shape::{Content, Namespace, TypeId},
};

/// What was found on the way through all types that a payload may have.
#[derive(Debug, Default)]
pub(in crate::client) struct Reached {
    /// Prefixes and namespaces that are used, in the order of their numbers.
    pub(in crate::client) namespaces: Vec<usize>,
    /// Why it can't be used.
    pub(in crate::client) problem: Option<Refused>,
    /// Why it can't be sent: something that it can't be without has an abstract type.
    pub(in crate::client) unsendable: Option<Refused>,
    pub(in crate::client) has_rules: bool,
}

/// What was seen of a type: only where it may be missing, or where it has to be.
#[derive(Clone, Copy, Default)]
struct Seen {
    turn: u32,
    required: bool,
}

/// A walk for each operation; what it marks is kept for the next one.
pub(in crate::client) struct Walk<'c> {
    compiled: &'c Compiled,
    seen: Vec<Seen>,
    turn: u32,
    /// Visits that are left.
    left: usize,
    /// What is said when there are none.
    limit: Refused,
}

impl<'c> Walk<'c> {
    pub(in crate::client) fn new(compiled: &'c Compiled, limit: Refused) -> Self {
        let seen = vec![Seen::default(); compiled.shape.types.len()];
        Self { compiled, seen, turn: 0, left: WSDL_VISITS_MAX, limit }
    }

    pub(in crate::client) fn from(&mut self, root: TypeId) -> Reached {
        self.turn += 1;
        let mut reached = Reached::default();
        let mut is_used = vec![false; self.compiled.namespaces.len()];
        let mut waiting = vec![(root, true)];
        while let Some((id, required)) = waiting.pop() {
            let Some(seen) = self.seen.get_mut(id.0) else { continue };
            if seen.turn == self.turn && (seen.required || !required) {
                continue;
            }
            *seen = Seen { turn: self.turn, required };
            let Some(extra) = self.compiled.extras.get(id.0) else { continue };
            reached.has_rules |= !extra.rules.is_empty() || extra.is_abstract.is_some();
            reached.problem = reached.problem.or_else(|| extra.problem.clone());
            if required {
                reached.unsendable = reached.unsendable.or_else(|| extra.is_abstract.clone());
            }
            let Content::Record(record) = &self.compiled.shape.of(id).content else { continue };
            let visits = record.members.len() + record.attributes.len();
            match self.left.checked_sub(visits) {
                Some(left) => self.left = left,
                None => {
                    reached.problem = Some(self.limit.clone());
                    return reached;
                }
            }
            for member in &record.members {
                if let Namespace::Prefixed { prefix, .. } = &member.element.namespace
                    && let Some(used) = number(prefix).and_then(|number| is_used.get_mut(number))
                {
                    *used = true;
                }
                let nillable = member.element.nillable;
                waiting.push((member.element.value, required && member.required && !nillable));
            }
            waiting.extend(record.attributes.iter().map(|attribute| (attribute.value, false)));
        }
        reached.namespaces = (0..is_used.len()).filter(|at| is_used[*at]).collect();
        reached
    }
}

/// Prefixes are `n1`, `n2`, …
fn number(prefix: &str) -> Option<usize> {
    prefix.strip_prefix('n')?.parse::<usize>().ok()?.checked_sub(1)
}
