//! Nodes that were still being provisioned when the run ended.

use crate::findings::catalog;
use crate::rules::rule::{Rule, Weight};
use crate::rules::shared::nodes::on_their_way;

pub(crate) const RULES: &[Rule] = &[Rule::run(
    &catalog::NODES_NOT_IN_TIME,
    Weight::Cause,
    |run| on_their_way(run),
)];
