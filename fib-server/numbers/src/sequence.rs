//! F(0), F(1), F(2), … in decimal, one after the other.

/// Digits in one limb.
const WIDTH: usize = 18;
/// The base: 10^18.
const BASE: u64 = 1_000_000_000_000_000_000;

/// The sequence as decimal text. Numbers are kept in base 10^18, so a term costs one addition and no
/// conversion.
#[derive(Debug, Clone)]
pub struct Sequence {
    /// The next number to write, lowest limb first.
    this: Vec<u64>,
    /// The one after it.
    next: Vec<u64>,
}

impl Default for Sequence {
    fn default() -> Self {
        Self {
            this: vec![0],
            next: vec![1],
        }
    }
}

impl Sequence {
    /// Appends the digits of the next number to a text.
    pub fn write_next(&mut self, text: &mut Vec<u8>) {
        write(&self.this, text);
        add(&mut self.this, &self.next);
        std::mem::swap(&mut self.this, &mut self.next);
    }
}

/// `sum += term`, where `term` has at least as many limbs.
fn add(sum: &mut Vec<u64>, term: &[u64]) {
    sum.resize(term.len(), 0);
    let mut carry = 0;
    for (limb, other) in sum.iter_mut().zip(term) {
        let whole = *limb + other + carry;
        carry = u64::from(whole >= BASE);
        *limb = whole - carry * BASE;
    }
    if carry > 0 {
        sum.push(carry);
    }
}

fn write(limbs: &[u64], text: &mut Vec<u8>) {
    let Some((first, rest)) = limbs.split_last() else {
        return;
    };
    text.extend_from_slice(first.to_string().as_bytes());
    for limb in rest.iter().rev() {
        let (start, mut left) = (text.len(), *limb);
        text.resize(start + WIDTH, b'0');
        for digit in text[start..].iter_mut().rev() {
            *digit = b'0' + (left % 10) as u8;
            left /= 10;
        }
    }
}

#[cfg(test)]
mod tests {
    use malachite::Natural;
    use malachite::base::num::arithmetic::traits::Fibonacci;

    use super::*;

    #[test]
    fn each_term_is_the_number_with_its_index() {
        let (mut sequence, mut text) = (Sequence::default(), Vec::new());
        for n in 0..2_000 {
            text.clear();
            sequence.write_next(&mut text);
            let right = Natural::fibonacci(n).to_string();
            assert_eq!(String::from_utf8_lossy(&text), right, "F({n})");
        }
    }
}
