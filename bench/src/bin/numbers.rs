//! Decimal digits of F(n) by `fib-numbers`, GMP and malachite in turn, on one thread: one JSON line per n, with
//! the shortest and the median time of each in microseconds. `numbers [N...]`

use std::convert::Infallible;
use std::hint::black_box;
use std::time::{Duration, Instant};

use fib_numbers::{Index, Modulus, Numbers};
use malachite::Natural;
use malachite::base::num::arithmetic::traits::Fibonacci;
use serde_json::json;

const DEFAULT: [u32; 17] = [
    100, 200, 300, 500, 1_000, 2_000, 5_000, 8_000, 9_000, 12_000, 20_000, 50_000, 100_000, 300_000,
    1_000_000, 3_000_000, 10_000_000,
];

/// Time given to each n.
const BUDGET: Duration = Duration::from_secs(3);

fn main() {
    let given: Vec<u32> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let numbers = Numbers::new(Modulus::drawn_from(1));
    for n in if given.is_empty() { DEFAULT.to_vec() } else { given } {
        measure(n, &numbers);
    }
}

fn measure(n: u32, numbers: &Numbers) {
    let index = Index::parse(&n.to_string(), u64::MAX).expect("a plain number");
    let ours = || numbers.decimal::<Infallible>(index, &mut || Ok(())).expect("never stopped").digits;
    let gmp = || rug::Integer::from(rug::Integer::fibonacci(n)).to_string().into_bytes();
    let malachite = || Natural::fibonacci(u64::from(n)).to_string().into_bytes();
    assert_eq!(ours(), gmp(), "F({n})");
    let rivals: [(&str, &dyn Fn() -> Vec<u8>); 3] =
        [("fib-numbers", &ours), ("gmp", &gmp), ("malachite", &malachite)];
    let mut times = [const { Vec::new() }; 3];
    // Batches of at least 50 µs, so that reading the clock does not matter; in turn, so that noise affects all
    // of them.
    let begun = Instant::now();
    ours();
    let batch = (50_000 / begun.elapsed().as_nanos().max(1) + 1) as u32;
    let end = Instant::now() + BUDGET;
    while times[2].len() < 5 || (Instant::now() < end && times[0].len() < 10_000) {
        for ((_, run), times) in rivals.iter().zip(&mut times) {
            let begun = Instant::now();
            for _ in 0..batch {
                black_box(run());
            }
            times.push(begun.elapsed().as_secs_f64() * 1e6 / f64::from(batch));
        }
    }
    let mut line = json!({ "n": n, "rounds": times[0].len() });
    for ((name, _), times) in rivals.iter().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        line[*name] = json!({ "shortest_us": times[0], "median_us": times[times.len() / 2] });
    }
    println!("{line}");
}
