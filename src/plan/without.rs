//! A plan without the actions of some objects: what fails and is tried again later, what is not kept. What the plan
//! says of the objects stays. Tests: at the end.

use super::{Action, Plan};
use crate::model::names::Key;
use std::collections::{BTreeMap, BTreeSet};

impl Plan {
    /// Leaves out the actions of `left` and of every object that comes after one of them: half of what an object needs
    /// is never done.
    #[must_use]
    pub fn without(mut self, left: &BTreeSet<Key>) -> Self {
        let mut left = left.clone();
        // What an action comes after is before it: one walk finds all but an object's own earlier actions.
        while let Some(more) = self.actions.iter().find(|action| self.falls(action, &left)) {
            left.insert(more.object.clone());
        }
        let mut moved = BTreeMap::new();
        for (index, _) in self.actions.iter().enumerate().filter(|(_, one)| !left.contains(&one.object)) {
            moved.insert(index, moved.len());
        }
        self.actions.retain(|action| !left.contains(&action.object));
        let at = |index: &mut usize| *index = moved.get(index).copied().unwrap_or(*index);
        for action in &mut self.actions {
            action.after.iter_mut().for_each(at);
            action.bindings.iter_mut().for_each(|binding| at(&mut binding.action));
        }
        for object in &mut self.objects {
            object.actions.retain(|index| moved.contains_key(index));
            object.actions.iter_mut().for_each(at);
        }
        self
    }

    fn falls(&self, action: &Action, left: &BTreeSet<Key>) -> bool {
        let mut before = action.after.iter().chain(action.bindings.iter().map(|binding| &binding.action));
        !left.contains(&action.object)
            && before.any(|index| self.actions.get(*index).is_none_or(|one| left.contains(&one.object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::desired::{Document, Origin};
    use crate::model::names::Kind;
    use crate::plan::{Binding, ObjectPlan, Verdict};

    fn key(name: &str) -> Key {
        Key { kind: Kind::EcsService, region: "r".into(), cluster: None, name: name.into() }
    }

    fn plan(actions: &[(&str, &[usize])]) -> Plan {
        let mut plan = Plan::default();
        for (index, (name, after)) in actions.iter().enumerate() {
            plan.actions.push(Action {
                object: key(name),
                api: "ecs",
                operation: "TagResource",
                input: Document::new(),
                after: after.to_vec(),
                bindings: after
                    .iter()
                    .map(|action| Binding { action: *action, from: "/a", to: "a" })
                    .collect(),
                must_own: false,
            });
            match plan.objects.iter_mut().find(|object| object.key.name == *name) {
                Some(object) => object.actions.push(index),
                None => plan.objects.push(ObjectPlan {
                    key: key(name),
                    origin: Origin {
                        kind: Kind::EcsService,
                        namespace: None,
                        name: (*name).into(),
                        place: String::new(),
                    },
                    verdict: Verdict::Create,
                    differences: Vec::new(),
                    notes: Vec::new(),
                    undeclared: Vec::new(),
                    hold: None,
                    actions: vec![index],
                }),
            }
        }
        plan
    }

    #[test]
    fn what_comes_after_something_left_out_is_left_out_whole_and_the_rest_keeps_its_order() {
        let before = plan(&[("a", &[]), ("b", &[]), ("c", &[]), ("b", &[0, 1]), ("c", &[2]), ("d", &[3])]);
        let after = before.clone().without(&BTreeSet::from([key("a")]));
        let left: Vec<(&str, &[usize])> =
            after.actions.iter().map(|one| (one.object.name.as_str(), one.after.as_slice())).collect();
        assert_eq!(left, [("c", &[][..]), ("c", &[0])]);
        assert_eq!(after.actions[1].bindings[0].action, 0);
        let of: Vec<&[usize]> = after.objects.iter().map(|object| object.actions.as_slice()).collect();
        assert_eq!(of, [&[][..], &[], &[0, 1], &[]]);
        assert_eq!(before.clone().without(&BTreeSet::new()), before);
    }
}
