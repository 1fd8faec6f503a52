//! The evaluator as a whole, on recordings of a small simulated cluster: every finding has a broken
//! run that ends in it, beside the healthy one that differs in one thing.

mod healthy;
mod limits;
mod setup;
mod surroundings;
mod world;
mod wrong;
