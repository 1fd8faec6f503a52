//! Where observations come from. A feed yields [`hpa_check_core::observation::Observation`]s and
//! judges nothing.

pub(crate) mod live;
pub(crate) mod rehearsal;
