//! What is read, what is refused, and in which words.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::borrow::Cow;
use std::collections::BTreeMap;

use onecommit_json::{JsonError, NumberForms, Object, Rules, canonical, from_request, from_str, raw};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order<'a> {
    id: Cow<'a, str>,
    total: Money,
    #[serde(default = "one")]
    version: u32,
    note: Option<String>,
    #[serde(default)]
    lines: Vec<Line>,
    #[serde(default)]
    weights: BTreeMap<u32, f64>,
}

fn one() -> u32 {
    1
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Money {
    minor_units: i64,
    currency: Currency,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Currency(String);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Line {
    Gift,
    Article(String, u8),
    Parcel { grams: u16 },
    Voucher(Money),
}

fn check(text: &str, rules: Rules) -> Result<(), JsonError> {
    onecommit_json::check(raw(text)?, rules)
}

const ORDER: &str = r#"{"id":"o-1","total":{"minor_units":250,"currency":"EUR"},"note":"a \"b\"","version":3,
    "lines":["Gift",{"Article":["a",2]},{"Parcel":{"grams":3}},{"Voucher":{"minor_units":1,"currency":"EUR"}}],
    "weights":{"7":1.5}}"#;

fn order() -> Value {
    serde_json::from_str(ORDER).unwrap()
}

fn with(pointer: &str, value: Value) -> String {
    let mut order = order();
    *order.pointer_mut(pointer).unwrap() = value;
    order.to_string()
}

#[test]
fn what_serde_reads_is_read_the_same() {
    let strict: Order<'_> = from_str(ORDER).unwrap();
    assert_eq!(strict, serde_json::from_str(ORDER).unwrap());
}

#[test]
fn a_list_where_an_object_belongs_is_refused() {
    for (pointer, list, place) in [
        ("/total", json!([250, "EUR"]), "total: expected an object, found a list"),
        (
            "/lines/2/Parcel",
            json!([3]),
            "lines[2].Parcel: expected an object, found a list",
        ),
        (
            "/lines/3/Voucher",
            json!([1, "EUR"]),
            "lines[3].Voucher: expected an object, found a list",
        ),
        ("/weights", json!([]), "weights: expected an object, found a list"),
    ] {
        let error = from_str::<Order<'_>>(&with(pointer, list)).unwrap_err();
        assert!(error.to_string().starts_with(place), "{error}");
    }
    assert!(from_str::<Order<'_>>("[]").is_err());
}

#[test]
fn an_integer_is_whole_by_value() {
    for (text, units) in [
        ("1.0", 1),
        ("1e0", 1),
        ("-0", 0),
        ("-0.0", 0),
        ("25E+1", 250),
        ("-3.00", -3),
    ] {
        let money: Money = from_str(&format!(r#"{{"minor_units":{text},"currency":"EUR"}}"#)).unwrap();
        assert_eq!(money.minor_units, units, "{text}");
    }
    for text in [
        "1.5",
        "1e30",
        "9223372036854775808",
        "1e-1",
        "\"1\"",
        "true",
        "null",
        "[1]",
        "1e400",
    ] {
        let error = from_str::<Money>(&format!(r#"{{"minor_units":{text},"currency":"EUR"}}"#)).unwrap_err();
        assert_eq!(error.path(), "minor_units", "{text}: {error}");
    }
}

#[test]
fn null_in_an_optional_field_is_absence() {
    let mut order = order();
    for field in ["note", "version", "lines", "weights"] {
        order[field] = Value::Null;
    }
    let text = order.to_string();
    let order: Order<'_> = from_str(&text).unwrap();
    assert_eq!((order.note, order.version, order.lines.len()), (None, 1, 0));
    let error = from_str::<Order<'_>>(&with("/total", Value::Null)).unwrap_err();
    assert_eq!(error.to_string(), "total: it is missing");
}

#[test]
fn of_copies_of_a_member_the_last_counts_and_a_request_may_have_none() {
    let text = r#"{"minor_units":1,"currency":"EUR","minor_units":2}"#;
    assert_eq!(from_str::<Money>(text).unwrap().minor_units, 2);
    assert_eq!(
        from_request::<Money>(text).unwrap_err().to_string(),
        "minor_units: it is written twice"
    );
    let ignored = r#"{"minor_units":1,"currency":"EUR","other":[{"a":1,"a":1}]}"#;
    let error = from_request::<Money>(ignored).unwrap_err();
    assert_eq!(error.to_string(), "other[0].a: it is written twice");
    // An escape does not make it another name.
    let escaped = r#"{"minor_units":1,"currency":"EUR","m\u0069nor_units":2}"#;
    assert_eq!(from_str::<Money>(escaped).unwrap().minor_units, 2);
    assert!(from_request::<Money>(escaped).is_err());
}

#[test]
fn of_many_copies_of_a_member_the_last_counts() {
    let many: String = (0..1000)
        .map(|number| format!("\"{}\":{number},", number % 100))
        .collect();
    let map: BTreeMap<String, u32> = from_str(&format!("{{{many}\"last\":1}}")).unwrap();
    assert_eq!((map.len(), map["7"]), (101, 907));
}

#[test]
fn an_error_names_the_place_and_never_the_value() {
    for (pointer, value, words) in [
        ("/id", json!(4711), "id: expected a text, found a number"),
        (
            "/total/currency",
            json!({"secret": 1}),
            "total.currency: expected a text, found an object",
        ),
        (
            "/total/minor_units",
            json!("secret"),
            "total.minor_units: expected a whole number from",
        ),
        (
            "/version",
            json!(-4711),
            "version: expected a whole number from 0 to 4294967295",
        ),
        (
            "/lines/0",
            json!("secret"),
            "lines[0]: expected one of: Gift, Article, Parcel, Voucher",
        ),
        (
            "/lines/1/Article/1",
            json!(4711),
            "lines[1].Article[1]: expected a whole number from 0 to 255",
        ),
        ("/lines", json!("secret"), "lines: expected a list, found a text"),
        (
            "/weights/7",
            json!("secret"),
            "weights.7: expected a number, found a text",
        ),
    ] {
        let error = from_str::<Order<'_>>(&with(pointer, value)).unwrap_err().to_string();
        assert!(error.starts_with(words), "{error}");
        for word in ["secret", "4711", "struct", "enum"] {
            assert!(!error.contains(word), "{error}");
        }
    }
}

#[test]
fn what_is_not_json_is_a_syntax_error() {
    for text in ["", "{", "{\"a\":}", "nul", "{} {}"] {
        assert!(from_str::<Value>(text).unwrap_err().is_syntax(), "{text}");
        assert!(check(text, Rules::Travelled).unwrap_err().is_syntax(), "{text}");
    }
}

#[test]
fn a_raw_value_is_the_text_that_was_written() {
    #[derive(Deserialize)]
    struct Kept<'a> {
        owned: Box<RawValue>,
        #[serde(borrow)]
        borrowed: Option<&'a RawValue>,
    }
    let text = r#"{"owned": { "a" : 1.10 , "a":2}, "borrowed": [1e400, "\ud800"]}"#;
    let kept: Kept<'_> = from_str(text).unwrap();
    assert_eq!(kept.owned.get(), r#"{ "a" : 1.10 , "a":2}"#);
    assert_eq!(kept.borrowed.unwrap().get(), r#"[1e400, "\ud800"]"#);
}

#[test]
fn an_object_gives_its_members_as_text() {
    let mut object = Object::of_text(r#"{"a":1,"b":null,"a":[2],"c":"x"}"#).unwrap();
    assert_eq!(object.get("a").unwrap().get(), "[2]");
    assert!(object.get("b").is_none());
    assert_eq!(object.take("c").unwrap().get(), r#""x""#);
    assert!(object.get("c").is_none());
    assert!(Object::of_text("[]").is_err());
    let error = Object::from_request(r#"{"a":{"b":1,"b":1},"c":2,"c":3}"#).unwrap_err();
    assert_eq!(error.to_string(), "c: it is written twice");
}

fn nested(depth: usize) -> String {
    format!("{}1{}", "{\"a\":[".repeat(depth / 2), "]}".repeat(depth / 2))
}

#[test]
fn what_does_not_travel_is_refused_with_its_place() {
    check(&nested(100), Rules::Travelled).unwrap();
    for (text, place) in [
        (nested(102), "a[0].a[0]"),
        (nested(300_000), "a[0].a[0]"),
        (r#"{"a":[0,"\ud800"]}"#.to_owned(), "a[1]"),
        (r#"{"a":{"\udc00":1}}"#.to_owned(), "a"),
        (r#"{"a":{"b":1e400}}"#.to_owned(), "a.b"),
        (r#"{"a":{"b":-1e-400}}"#.to_owned(), "a.b"),
        (format!(r#"{{"a":[1,2.5,{}]}}"#, "7".repeat(901)), "a[2]"),
    ] {
        let error = check(&text, Rules::Travelled).unwrap_err();
        assert!(error.path().starts_with(place), "{error}");
        assert!(!error.is_syntax());
        assert!(error.to_string().len() < 400, "{error}");
    }
    // What is written again later does not count.
    for overwritten in [r#""\ud800""#, "1e400", &nested(300)] {
        let text = format!(r#"{{"a":{{"b":{overwritten},"b":[1]}}}}"#);
        check(&text, Rules::Travelled).unwrap();
        assert_eq!(canonical_of(&text).0, r#"{"a":{"b":[1]}}"#);
        let error = check(&text, Rules::Request).unwrap_err();
        assert_eq!(error.to_string(), "a.b: it is written twice");
    }
    for text in [
        r#""😀 \ud83d\ude00 \uffff \u0000""#,
        "1e308",
        "12345678901234567890.12345678901234567890",
    ] {
        check(text, Rules::Request).unwrap();
    }
}

fn canonical_of(text: &str) -> (String, NumberForms) {
    let raw: &RawValue = serde_json::from_str(text).unwrap();
    let canonical = canonical(raw).unwrap();
    (canonical.text, canonical.numbers)
}

#[test]
fn equal_values_have_one_canonical_text() {
    let one = canonical_of(r#"{"b":[1.0,"\u00e9\n"],"a":{"y":-0,"x":1e2},"b":[1,"é\n"]}"#);
    let other = canonical_of(r#" { "a" : {"x": 100, "y": 0.0}, "b" : [ 1e0 , "\u00E9\u000a" ] } "#);
    assert_eq!(one.0, other.0);
    assert_eq!(one.0, r#"{"a":{"x":100,"y":0},"b":[1,"é\n"]}"#);
    for (text, forms) in [
        ("[1,18446744073709551615,-7]", NumberForms::Integers),
        ("[1,2.0,1e21]", NumberForms::Doubles),
        ("[1.5,9007199254740993.0,0.12345678901234567890]", NumberForms::Decimals),
    ] {
        assert_eq!(canonical_of(text).1, forms, "{text}");
    }
    for (one, other) in [
        ("9007199254740992.0", "9007199254740993.0"),
        ("18446744073709551616", "18446744073709551617"),
        ("0.12345678901234567890", "0.12345678901234567891"),
        (r#""e\u0301""#, r#""\u00e9""#),
        ("1", r#""1""#),
        ("null", "0"),
    ] {
        assert_ne!(canonical_of(one).0, canonical_of(other).0, "{one}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_is_read_as_serde_reads_it(value in any_json()) {
        let text = value.to_string();
        let ours: Value = from_str(&text).unwrap();
        prop_assert_eq!(canonical_of(&ours.to_string()).0, canonical_of(&text).0);
        prop_assert!(check(&text, Rules::Request).is_ok());
    }

    #[test]
    fn the_canonical_text_of_a_canonical_text_is_itself(value in any_json()) {
        let (text, _) = canonical_of(&value.to_string());
        prop_assert_eq!(&canonical_of(&text).0, &text);
    }

    #[test]
    fn integers_have_the_canonical_text_that_serde_writes(value in any_json()) {
        let (text, forms) = canonical_of(&value.to_string());
        if forms == NumberForms::Integers {
            prop_assert_eq!(text, value.to_string());
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in ".*") {
        let _ = from_str::<Order<'_>>(&text);
        let _ = check(&text, Rules::Request);
    }
}
