//! Where observations come from. A source yields [`hpa_check_core::observation::Observation`]s and
//! judges nothing.

pub(crate) mod live;
