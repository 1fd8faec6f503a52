//! Tests the oracle against F(n) added up digit by digit, and against answers that are wrong in one place.

use proptest::prelude::*;

use super::*;

/// F(0), F(1), … as decimal strings, by adding as on paper.
fn on_paper(count: usize) -> Vec<String> {
    let (mut a, mut b) = (vec![0_u8], vec![1_u8]);
    let mut all = Vec::with_capacity(count);
    for _ in 0..count {
        all.push(
            a.iter()
                .rev()
                .map(|digit| char::from(b'0' + digit))
                .collect(),
        );
        let mut carry = 0;
        let mut sum: Vec<u8> = (0..b.len())
            .map(|at| {
                let total = b[at] + a.get(at).copied().unwrap_or(0) + carry;
                carry = total / 10;
                total % 10
            })
            .collect();
        if carry > 0 {
            sum.push(carry);
        }
        a = std::mem::replace(&mut b, sum);
    }
    all
}

fn answer(n: u32, value: &str) -> String {
    format!(r#"{{"n":{n},"value":"{value}","digits":{}}}"#, value.len())
}

fn field() -> Field {
    Field::drawn(0x5eed_5eed_5eed_5eed)
}

fn judge(n: u32, body: &str) -> Result<(), Flaw> {
    judge_in(&field(), n, body)
}

fn judge_in(field: &Field, n: u32, body: &str) -> Result<(), Flaw> {
    let expected = Expected::new(field, n);
    let mut reader = Reader::new(&expected, true);
    reader.push(body.as_bytes());
    reader.finish()
}

#[test]
fn every_correct_answer_is_accepted_and_its_digits_are_counted_exactly() {
    for (n, value) in (0..).zip(on_paper(5_000)) {
        assert_eq!(digits(n), value.len() as u64, "F({n})");
        assert_eq!(judge(n, &answer(n, &value)), Ok(()), "F({n})");
    }
}

#[test]
fn digit_counts_agree_with_published_ones_far_out() {
    // OEIS A068070: the number of digits of F(10^n).
    let published = [
        1,
        2,
        21,
        209,
        2_090,
        20_899,
        208_988,
        2_089_877,
        20_898_764,
        208_987_640,
    ];
    for (power, expected) in published.into_iter().enumerate() {
        assert_eq!(
            digits(10_u32.pow(u32::try_from(power).unwrap())),
            expected,
            "10^{power}"
        );
    }
}

#[test]
fn digit_counts_are_correct_where_f_n_is_nearest_to_a_power_of_ten() {
    // n·log10 φ − log10 √5 with 60 digits, computed independently: the first and the third are just below an
    // integer.
    let nearest = [
        (39_625_924, 8_281_328),      //   8281327.999999999861…
        (103_534_579, 21_637_448),    //  21637447.000000000791…
        (519_112_806, 108_488_160),   // 108488159.999999999759…
        (3_316_234_264, 693_051_974), // 693051973.000000000028…
    ];
    for (n, expected) in nearest {
        assert_eq!(digits(n), expected, "F({n})");
    }
}

#[test]
fn residues_agree_with_plain_addition() {
    let field = field();
    let (mut a, mut b) = (0, 1);
    for n in 0..100_000 {
        assert_eq!(residue(&field, n), a, "F({n})");
        (a, b) = (b, field.add(a, b));
    }
}

#[test]
fn the_largest_index_has_a_residue_too() {
    // The recurrence ties it to its neighbors.
    let field = field();
    assert_eq!(
        residue(&field, u32::MAX),
        field.add(residue(&field, u32::MAX - 1), residue(&field, u32::MAX - 2))
    );
}

#[test]
fn each_kind_of_wrong_answer_has_its_own_class() {
    let cases = [
        (
            r#"{"n":90,"value":"2880067194370816121","digits":19}"#,
            Flaw::Value,
        ),
        (
            r#"{"n":90,"value":"2880067194370816120","digits":18}"#,
            Flaw::Digits,
        ),
        (
            r#"{"n":90,"value":"288006719437081612","digits":19}"#,
            Flaw::Digits,
        ),
        (
            r#"{"n":90,"value":"02880067194370816120","digits":19}"#,
            Flaw::Digits,
        ),
        (
            r#"{"n":90,"value":"0880067194370816120","digits":19}"#,
            Flaw::Format,
        ),
        (
            r#"{"n":91,"value":"2880067194370816120","digits":19}"#,
            Flaw::Format,
        ),
        (
            r#"{"n":90,"value":2880067194370816120,"digits":19}"#,
            Flaw::Format,
        ),
        (
            r#"{"n":90,"value":"2880067194370816120","digits":19} "#,
            Flaw::Format,
        ),
        (
            r#"{"n":90,"value":"28800671943-70816120","digits":19}"#,
            Flaw::Format,
        ),
        (
            r#"{"n":90,"value":"2880067194370816120","digits":19"#,
            Flaw::Truncated,
        ),
        (r#"{"n":90,"value":"28800"#, Flaw::Truncated),
        ("", Flaw::Truncated),
        ("<html>", Flaw::Format),
    ];
    for (body, flaw) in cases {
        assert_eq!(judge(90, body), Err(flaw), "{body}");
    }
}

#[test]
fn a_reader_that_does_not_verify_still_checks_the_form() {
    let expected = Expected::new(&field(), 90);
    let mut reader = Reader::new(&expected, false);
    reader.push(br#"{"n":90,"value":"2880067194370816121","digits":19}"#);
    assert_eq!(reader.finish(), Ok(()));
    let mut reader = Reader::new(&expected, false);
    reader.push(br#"{"n":90,"value":"288","digits":3}"#);
    assert_eq!(reader.finish(), Err(Flaw::Digits));
}

proptest! {
    #[test]
    fn any_single_wrong_digit_is_caught(n in 2_u32..3_000, at in any::<prop::sample::Index>(), by in 1_u8..10) {
        let true_value = on_paper(n as usize + 1).pop().unwrap();
        let mut wrong = true_value.into_bytes();
        let at = at.index(wrong.len());
        wrong[at] = (wrong[at] - b'0' + by) % 10 + b'0';
        let wrong = String::from_utf8(wrong).unwrap();
        prop_assert!(judge(n, &answer(n, &wrong)).is_err());
    }

    #[test]
    fn how_the_body_is_cut_into_pieces_changes_nothing(n in 0_u32..2_000, piece in 1_usize..50) {
        let body = answer(n, &on_paper(n as usize + 1).pop().unwrap());
        let expected = Expected::new(&field(), n);
        let mut reader = Reader::new(&expected, true);
        body.as_bytes().chunks(piece).for_each(|bytes| reader.push(bytes));
        prop_assert_eq!(reader.finish(), Ok(()));
    }
}

/// Moduli that a program may check by, so a wrong answer could hide by a multiple of one.
const PUBLISHED: [u64; 8] = [
    (1 << 61) - 1,
    (1 << 31) - 1,
    1_000_000_007,
    998_244_353,
    4_294_967_291,
    18_446_744_073_709_551_557,
    9_223_372_036_854_775_783,
    1_000_000_000_039,
];

/// A decimal string plus a number, as on paper.
fn plus(value: &str, addend: u128) -> String {
    let mut carry = addend;
    let mut digits: Vec<u8> = value
        .bytes()
        .rev()
        .map(|digit| {
            carry += u128::from(digit - b'0');
            let now = u8::try_from(carry % 10).unwrap();
            carry /= 10;
            now + b'0'
        })
        .collect();
    while carry > 0 {
        digits.push(u8::try_from(carry % 10).unwrap() + b'0');
        carry /= 10;
    }
    digits.reverse();
    String::from_utf8(digits).unwrap()
}

/// One wrong body for the right one; the draws decide how it is wrong.
fn mutated(n: u32, value: &str, kind: u64, draw: u64, other: u64) -> String {
    let at = usize::try_from(draw % value.len() as u64).unwrap();
    let right = answer(n, value);
    match kind % 16 {
        // A wrong digit.
        0 => {
            let mut wrong = value.as_bytes().to_vec();
            wrong[at] = (wrong[at] - b'0' + 1 + u8::try_from(other % 9).unwrap()) % 10 + b'0';
            answer(n, std::str::from_utf8(&wrong).unwrap())
        }
        // The value of another n.
        1 => right.replacen(&format!("\"n\":{n}"), &format!("\"n\":{}", n + 1), 1),
        // Off by a multiple of a published modulus.
        2 | 3 => {
            let modulus = u128::from(PUBLISHED[usize::try_from(draw % 8).unwrap()]);
            answer(n, &plus(value, modulus * u128::from(other % 1_000_000 + 1)))
        }
        // Truncated, and padded to the right length.
        4 => {
            let cut = usize::try_from(draw % right.len() as u64).unwrap();
            format!("{:<width$}", &right[..cut], width = right.len())
        }
        // A digit twice, and one less elsewhere.
        5 => {
            let mut wrong = value.to_owned();
            wrong.insert(at, char::from(value.as_bytes()[at]));
            wrong.pop();
            answer(n, &wrong)
        }
        // A 200 with the body of an error.
        6 => format!(r#"{{"error":{{"code":"overloaded","message":"{draw}"}}}}"#),
        // A byte that is no digit.
        7 => {
            let mut wrong = value.as_bytes().to_vec();
            wrong[at] = b"/:-e. \"x"[usize::try_from(other % 8).unwrap()];
            answer(n, std::str::from_utf8(&wrong).unwrap())
        }
        kind => rewritten(n, value, kind, at, other),
    }
}

/// The right number in a form that no server sends, or with its digits in another order.
fn rewritten(n: u32, value: &str, kind: u64, at: usize, other: u64) -> String {
    let right = answer(n, value);
    let pick = |choices: &[&str]| {
        choices[usize::try_from(other % choices.len() as u64).unwrap()].to_owned()
    };
    let in_value = |text: &str| answer(n, &format!("{}{text}{}", &value[..at], &value[at + 1..]));
    match kind {
        // Two neighbors in the other order.
        8 => {
            let mut digits = value.as_bytes().to_vec();
            let last = digits.len() - 1;
            digits.swap(at.min(last - 1), at.min(last - 1) + 1);
            answer(n, std::str::from_utf8(&digits).unwrap())
        }
        // Zeros and signs before the number.
        9 => answer(n, &(pick(&["0", "00", "+", "-", "+0"]) + value)),
        // Something between the bytes.
        10 => {
            let at = usize::try_from(other % (right.len() as u64 + 1)).unwrap();
            let between = pick(&[" ", "\t", "\r\n", "\u{feff}", "\0", "\r\n5\r\n", "_"]);
            format!("{}{between}{}", &right[..at], &right[at..])
        }
        // No string, or one of another notation.
        11 => right.replacen(
            &format!("\"{value}\""),
            &pick(&[
                value,
                &format!("{value}.0"),
                &format!("\"{value}.0\""),
                &format!("\"{value}e0\""),
                &format!("\"0x{value}\""),
                &format!("[\"{value}\"]"),
                "null",
                "1e5",
            ]),
            1,
        ),
        // A key twice, one more, one less, or in capitals.
        12 => match other % 5 {
            0 => right.replacen('{', &format!("{{\"n\":{n},"), 1),
            1 => right.replacen('{', "{\"value\":\"1\",", 1),
            2 => right.replacen('}', ",\"value\":\"1\"}", 1),
            3 => right.replacen(&format!(",\"digits\":{}", value.len()), "", 1),
            _ => right.replacen("value", "Value", 1),
        },
        // A digit of another script, or one that is escaped.
        13 => {
            let digit = u32::from(value.as_bytes()[at] - b'0');
            let zero = [0xff10, 0x0660, 0x0966, 0x1d7ce][usize::try_from(other % 4).unwrap()];
            in_value(&char::from_u32(zero + digit).unwrap().to_string())
        }
        14 => in_value(&format!("\\u00{:02x}", value.as_bytes()[at])),
        // One document after the other, or none after the right one.
        _ => match other % 3 {
            0 => right.clone() + &right,
            1 => right + "{}",
            _ => format!("[{right}]"),
        },
    }
}

#[test]
fn none_of_100_000_mutated_answers_is_accepted() {
    let values = on_paper(1_200);
    let mut tried = 0;
    for index in 0.. {
        let draw = |stream| crate::chance::bits(stream, crate::chance::Purpose::Prime, index);
        let n = u32::try_from(draw(1) % 1_190 + 10).unwrap();
        let value = &values[n as usize];
        let wrong = mutated(n, value, index, draw(2), draw(3));
        // Doubling a digit among equal ones changes nothing.
        if wrong == answer(n, value) {
            continue;
        }
        // A few primes, as in a few runs.
        let field = Field::drawn(draw(4) % 16);
        assert!(judge_in(&field, n, &wrong).is_err(), "F({n}) as {wrong}");
        tried += 1;
        if tried == 100_000 {
            break;
        }
    }
}
