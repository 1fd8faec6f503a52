//! Nodes that were still being provisioned when the run ended.

use crate::findings::catalog;
use crate::rules::rule::{Find, Rule, Weight};
use crate::rules::shared::nodes::on_their_way;

pub(crate) const RULES: &[Rule] = &[NODES_NOT_IN_TIME];

const NODES_NOT_IN_TIME: Rule = Rule {
    finding: &catalog::NODES_NOT_IN_TIME,
    weight: Weight::Cause,
    find: Find::Run(|run| on_their_way(run)),
};
