//! The known state of one resource: tells changes from repetitions, and finds the objects in a new list that
//! were deleted while nobody watched.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;

/// A change of one object.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ObjectChange<K> {
    /// It exists, with this state.
    Put(K),
    /// It no longer exists.
    Gone {
        /// Its name.
        name: String,
    },
}

/// The objects by name, each with its `uid` and `resourceVersion`.
#[derive(Debug, Default)]
pub(super) struct Known {
    objects: BTreeMap<String, Version>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    uid: String,
    resource_version: String,
}

impl Version {
    fn of(object: &impl ResourceExt) -> Self {
        Self {
            uid: object.uid().unwrap_or_default(),
            resource_version: object.resource_version().unwrap_or_default(),
        }
    }
}

impl Known {
    /// Applies a whole list: objects that it lacks are gone, and unchanged ones are not reported.
    pub(super) fn replace<K: ResourceExt>(&mut self, list: Vec<K>) -> Vec<ObjectChange<K>> {
        let listed: BTreeSet<String> = list.iter().map(ResourceExt::name_any).collect();
        let mut changes: Vec<ObjectChange<K>> = Vec::new();
        self.objects.retain(|name, _| {
            let stays = listed.contains(name);
            if !stays {
                changes.push(ObjectChange::Gone { name: name.clone() });
            }
            stays
        });
        changes.extend(list.into_iter().flat_map(|object| self.put(object)));
        changes
    }

    /// Applies one object. If the name is known with another uid, that object was deleted in between, which is
    /// reported first.
    pub(super) fn put<K: ResourceExt>(&mut self, object: K) -> Vec<ObjectChange<K>> {
        let name = object.name_any();
        let version = Version::of(&object);
        let before = self.objects.insert(name.clone(), version.clone());
        match before {
            Some(before) if before == version => Vec::new(),
            Some(before) if before.uid != version.uid => {
                vec![ObjectChange::Gone { name }, ObjectChange::Put(object)]
            }
            _ => vec![ObjectChange::Put(object)],
        }
    }

    /// Applies a deletion. One that refers to an earlier object with the same name changes nothing.
    pub(super) fn delete<K: ResourceExt>(&mut self, object: &K) -> Option<ObjectChange<K>> {
        let name = object.name_any();
        let known = self.objects.get(&name)?;
        if known.uid != object.uid().unwrap_or_default() {
            return None;
        }
        self.objects.remove(&name);
        Some(ObjectChange::Gone { name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::Pod;

    fn pod(name: &str, uid: &str, version: &str) -> Pod {
        let mut pod = Pod::default();
        pod.metadata.name = Some(name.into());
        pod.metadata.uid = Some(uid.into());
        pod.metadata.resource_version = Some(version.into());
        pod
    }

    fn names(changes: &[ObjectChange<Pod>]) -> Vec<String> {
        changes
            .iter()
            .map(|change| match change {
                ObjectChange::Put(pod) => format!("+{}", pod.name_any()),
                ObjectChange::Gone { name } => format!("-{name}"),
            })
            .collect()
    }

    #[test]
    fn a_new_list_reports_deletions_and_changes_and_nothing_else() {
        let mut known = Known::default();
        known.replace(vec![
            pod("a", "1", "1"),
            pod("b", "2", "1"),
            pod("c", "3", "1"),
        ]);
        let changes = known.replace(vec![
            pod("b", "2", "1"),
            pod("c", "3", "2"),
            pod("d", "4", "1"),
        ]);
        assert_eq!(names(&changes), ["-a", "+c", "+d"]);
    }

    #[test]
    fn a_repeated_event_is_not_a_change() {
        let mut known = Known::default();
        assert_eq!(known.put(pod("a", "1", "1")).len(), 1);
        assert_eq!(known.put(pod("a", "1", "1")).len(), 0);
    }

    #[test]
    fn an_object_recreated_under_its_old_name_was_gone_in_between() {
        let mut known = Known::default();
        known.put(pod("a", "1", "1"));
        assert_eq!(names(&known.put(pod("a", "9", "5"))), ["-a", "+a"]);
    }

    #[test]
    fn a_late_deletion_of_the_earlier_object_does_not_remove_the_new_one() {
        let mut known = Known::default();
        known.put(pod("a", "9", "5"));
        assert_eq!(known.delete(&pod("a", "1", "4")), None);
        assert_eq!(
            known.delete(&pod("a", "9", "6")),
            Some(ObjectChange::Gone { name: "a".into() })
        );
        assert_eq!(known.delete(&pod("a", "9", "6")), None);
    }
}
