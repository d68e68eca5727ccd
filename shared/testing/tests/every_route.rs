//! For every event that JSON can write: whichever route it takes to a consumer, it is judged alike.
//!
//! The events here are made as texts, since what is at stake is lost in a tree of values: how a number is spelled, half of
//! a surrogate pair, a member that is written twice. The judgements come from the real engine.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::fmt::Write as _;

use onecommit_engine::{Commit, Consumer, Delivery, Failure, Key, ParkReason, Table, Verdict};
use onecommit_environment::Environment;
use onecommit_event::{Event, EventId, Payload, Received};
use onecommit_testing::{TestConsumer, delivery_of};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

/// A JSON value as it is written.
#[derive(Clone, Debug)]
enum Json {
    Word(&'static str),
    Number(String),
    /// UTF-16 units: half of a surrogate pair is one.
    Text(Vec<u16>),
    List(Vec<Json>),
    Object(Vec<(Vec<u16>, Json)>),
}

/// Who writes a value.
#[derive(Clone, Copy, PartialEq)]
enum Writer {
    /// Its sender, who escapes what need not be.
    Sender,
    /// A service that reads it and writes it anew, as EventBridge does: other order of members, of copies the last,
    /// other escapes, other spelling of numbers, other white space.
    Service,
}

impl Json {
    fn written(&self, by: Writer) -> String {
        let mut out = String::new();
        self.write(by, &mut out);
        out
    }

    fn write(&self, by: Writer, out: &mut String) {
        match self {
            Self::Word(word) => out.push_str(word),
            Self::Number(number) if by == Writer::Service => out.push_str(&respelled(number)),
            Self::Number(number) => out.push_str(number),
            Self::Text(units) => write_text(units, by, out),
            Self::List(items) => {
                out.push('[');
                for (position, item) in items.iter().enumerate() {
                    out.push_str(if position > 0 { "," } else { "" });
                    item.write(by, out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                let mut members: Vec<&(Vec<u16>, Self)> = members.iter().collect();
                if by == Writer::Service {
                    members.reverse();
                    let mut seen = Vec::new();
                    members.retain(|(name, _)| {
                        let is_new = !seen.contains(&name);
                        seen.push(name);
                        is_new
                    });
                }
                out.push_str(if by == Writer::Service { "{ " } else { "{" });
                for (position, (name, value)) in members.into_iter().enumerate() {
                    out.push_str(if position > 0 { "," } else { "" });
                    write_text(name, by, out);
                    out.push(':');
                    value.write(by, out);
                }
                out.push('}');
            }
        }
    }

    fn any(&self, is_so: &dyn Fn(&Self) -> bool) -> bool {
        is_so(self)
            || match self {
                Self::List(items) => items.iter().any(|item| item.any(is_so)),
                Self::Object(members) => members.iter().any(|(_, value)| value.any(is_so)),
                _ => false,
            }
    }

    fn depth(&self) -> usize {
        let deepest = match self {
            Self::List(items) => items.iter().map(Self::depth).max(),
            Self::Object(members) => members.iter().map(|(_, value)| value.depth()).max(),
            _ => return 0,
        };
        1 + deepest.unwrap_or(0)
    }

    /// Without what is written again later.
    fn kept(&self) -> Self {
        match self {
            Self::List(items) => Self::List(items.iter().map(Self::kept).collect()),
            Self::Object(members) => {
                let is_last = |place: usize, name| members[place + 1..].iter().all(|(later, _)| later != name);
                let places = members.iter().enumerate();
                let last = places.filter(|(place, (name, _))| is_last(*place, name));
                Self::Object(last.map(|(_, (name, value))| (name.clone(), value.kept())).collect())
            }
            other => other.clone(),
        }
    }

    /// Whether every route keeps it.
    fn travels(&self) -> bool {
        let this = self.kept();
        let is_lost = |json: &Self| match json {
            Self::Number(number) => number.parse::<f64>().is_ok_and(|double| {
                double.is_infinite() || (double == 0.0 && mantissa(number).contains(|digit| matches!(digit, '1'..='9')))
            }),
            Self::Text(units) => String::from_utf16(units).is_err(),
            Self::Object(members) => members.iter().any(|(name, _)| String::from_utf16(name).is_err()),
            _ => false,
        };
        this.depth() <= 100 && !this.any(&is_lost)
    }
}

fn mantissa(number: &str) -> &str {
    number.split(['e', 'E']).next().unwrap_or_default()
}

/// The same value spelled another way, by rules that have nothing in common with those that are tested.
fn respelled(number: &str) -> String {
    match number.split_once(['e', 'E']) {
        Some((mantissa, power)) if !mantissa.contains('.') => format!("{mantissa}.000E{power}"),
        Some((mantissa, power)) => format!("{mantissa}00e{power}"),
        None if number.contains('.') => format!("{number}0e+0"),
        None => format!("{number}.0"),
    }
}

fn write_text(units: &[u16], by: Writer, out: &mut String) {
    out.push('"');
    for unit in char::decode_utf16(units.iter().copied()) {
        match unit {
            Ok(character) if by == Writer::Sender && (character as u32).is_multiple_of(3) => {
                let mut pair = [0; 2];
                for unit in character.encode_utf16(&mut pair) {
                    let _ = write!(out, "\\u{unit:04X}");
                }
            }
            Ok('"') => out.push_str("\\\""),
            Ok('\\') => out.push_str("\\\\"),
            Ok(character) if character < ' ' => {
                let _ = write!(out, "\\u{:04x}", character as u32);
            }
            Ok(character) => out.push(character),
            Err(half) => {
                let _ = write!(out, "\\u{:04x}", half.unpaired_surrogate());
            }
        }
    }
    out.push('"');
}

fn any_number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| if number.is_finite() {
            format!("{number:e}")
        } else {
            "-0".to_owned()
        }),
        "-?[1-9][0-9]{15,40}",
        "-?(0|[1-9][0-9]{0,3})\\.[0-9]{1,30}",
        "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?[eE][+-]?[0-9]{1,3}",
        prop::sample::select(vec![
            "-0",
            "0.0",
            "1.0",
            "1e0",
            "100",
            "1e2",
            "1E400",
            "1e-400",
            "9007199254740993"
        ])
        .prop_map(str::to_owned),
    ]
}

fn any_text() -> impl Strategy<Value = Vec<u16>> {
    let unit = prop_oneof![
        20 => any::<char>().prop_map(|character| character.encode_utf16(&mut [0; 2]).to_vec()),
        20 => (b' '..b'~').prop_map(|byte| vec![byte.into()]),
        4 => prop::sample::select(vec![0_u16, 9, 0x7f, 0x85, 0xfffe, 0xffff, 0x2028, 0xfeff]).prop_map(|unit| vec![unit]),
        1 => prop::sample::select(vec![0xd800_u16, 0xdfff]).prop_map(|unit| vec![unit]),
    ];
    prop::collection::vec(unit, 0..6).prop_map(|units| units.concat())
}

fn any_name() -> impl Strategy<Value = Vec<u16>> {
    prop_oneof![2 => "[a-c]".prop_map(|name| name.encode_utf16().collect()), 1 => any_text()]
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["null", "true", "false"]).prop_map(Json::Word),
        any_number().prop_map(Json::Number),
        any_text().prop_map(Json::Text),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::List),
            prop::collection::vec((any_name(), inner), 0..4).prop_map(Json::Object),
        ]
    })
}

/// An object that is nested up to some levels too deep, now and then.
fn any_payload() -> impl Strategy<Value = Json> {
    let object = prop::collection::vec((any_name(), any_json()), 0..4).prop_map(Json::Object);
    let levels = prop_oneof![8 => Just(0_usize), 1 => 90_usize..110];
    (object, levels).prop_map(|(object, levels)| {
        (0..levels).fold(object, |inner, level| match level % 2 {
            0 if level + 1 < levels => Json::List(vec![inner]),
            _ => Json::Object(vec![(vec![u16::from(b'a')], inner)]),
        })
    })
}

#[derive(Clone, Debug)]
struct Parts {
    id: EventId,
    payload: Json,
    unknown: Json,
}

prop_compose! {
    fn any_parts()(id in any::<u128>(), payload in any_payload(), unknown in any_json()) -> Parts {
        Parts { id: EventId::of_foreign("proptest", &id.to_string()), payload, unknown }
    }
}

impl Parts {
    fn event(&self, by: Writer) -> String {
        let (payload, unknown) = (self.payload.written(by), self.unknown.written(by));
        let (id, now) = (self.id, Environment::system().clock().now());
        let order = match by {
            Writer::Sender => [format!(r#""payload":{payload}"#), format!(r#""tenant":{unknown}"#)],
            Writer::Service => [format!(r#""tenant" : {unknown}"#), format!(r#""payload" : {payload}"#)],
        };
        format!(
            r#"{{"eventId":"{id}","eventType":"Noted","aggregateId":"a","aggregateType":"Note","timestamp":"{now}",{},
            "metadata":{{"correlationId":"c","causationId":"c","region":{unknown}}}}}"#,
            order.join(",")
        )
    }

    fn travels(&self) -> bool {
        self.payload.travels() && self.unknown.travels()
    }

    /// The same id with another payload: one member more, under a name that is not taken.
    fn contradiction(&self) -> Self {
        let mut other = self.clone();
        if let Json::Object(members) = &mut other.payload {
            members.push(("contradiction".encode_utf16().collect(), Json::Word("true")));
        }
        other
    }

    fn routes(&self) -> Vec<(&'static str, Delivery)> {
        let (sent, anew) = (self.event(Writer::Sender), self.event(Writer::Service));
        let in_sns = |message: &str| {
            let message = serde_json::to_string(message).unwrap();
            format!(r#"{{"Type":"Notification","TopicArn":"t","Message":{message}}}"#)
        };
        let in_event_bridge =
            |detail: &str| format!(r#"{{"version":"0","detail-type":"Noted","source":"s","detail":{detail}}}"#);
        let in_cloud_event =
            |data: &str| format!(r#"{{"specversion":"1.0","id":"1","source":"s","type":"t","data":{data}}}"#);
        let in_group = |body: String| Delivery {
            group: Some("Note#a".to_owned()),
            ..delivery_of("fifo", body)
        };
        vec![
            ("bare", delivery_of("bare", sent.clone())),
            ("sns", delivery_of("sns", in_sns(&sent))),
            ("event bridge", delivery_of("event-bridge", in_event_bridge(&anew))),
            ("cloud event", delivery_of("cloud-event", in_cloud_event(&sent))),
            ("fifo", in_group(in_sns(&sent))),
            (
                "all of them",
                delivery_of("all", in_sns(&in_event_bridge(&in_cloud_event(&anew)))),
            ),
        ]
    }
}

/// It takes any object: what is looked at here is not what a handler reads.
#[derive(Serialize, Deserialize)]
struct Noted {}

impl Payload for Noted {
    const EVENT_TYPE: &'static str = "Noted";
}

/// Handled twice, it would show.
async fn noted(event: Event<Noted>) -> Result<Commit, Failure> {
    let row = Table::new("notes").update(Key::new("pk", event.aggregate().id()));
    Ok(Commit::of(row.add("count", 1)))
}

fn consumer() -> TestConsumer {
    TestConsumer::new(Consumer::named("notes").atomic(noted))
}

fn reason(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Done => "Done",
        Verdict::Duplicate => "Duplicate",
        Verdict::Park { reason, .. } => reason.as_str(),
        other => panic!("{other:?}"),
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(work)
}

async fn judge(consumer: &TestConsumer, delivery: &Delivery) -> &'static str {
    let (verdicts, _) = consumer.receive_deliveries(std::slice::from_ref(delivery)).await;
    reason(&verdicts[0])
}

#[tokio::test]
async fn a_cloud_event_without_a_time_is_taken_and_its_copy_absorbed() {
    let body = r#"{"specversion":"1.0","id":"1","source":"/sensors/7","type":"Noted","subject":"a"}"#;
    let consumer = consumer();
    assert_eq!(judge(&consumer, &delivery_of("m-1", body)).await, "Done");
    assert_eq!(judge(&consumer, &delivery_of("m-2", body)).await, "Duplicate");
    let other = body.replace("/sensors/7", "/sensors/8");
    assert_eq!(
        judge(&consumer, &delivery_of("m-3", other)).await,
        "Done",
        "another source"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn every_route_judges_an_event_alike(parts in any_parts()) {
        let expected = if parts.travels() { "Done" } else { ParkReason::InvalidEvent.as_str() };
        run(async {
            for (route, delivery) in parts.routes() {
                prop_assert_eq!(judge(&consumer(), &delivery).await, expected, "{} {}", route, delivery.body);
            }
            Ok(())
        })?;
    }

    #[test]
    fn copies_by_all_routes_are_absorbed_and_contradictions_parked(parts in any_parts()) {
        prop_assume!(parts.travels());
        run(async {
            let routes = parts.routes();
            let contradictions = parts.contradiction().routes();
            for (route, first) in &routes {
                let consumer = consumer();
                prop_assert_eq!(judge(&consumer, first).await, "Done", "{}", route);
                for (other, copy) in &routes {
                    let judged = judge(&consumer, copy).await;
                    prop_assert_eq!(judged, "Duplicate", "{} after {}: {}", other, route, copy.body);
                }
                for (other, contradiction) in &contradictions {
                    let judged = judge(&consumer, contradiction).await;
                    prop_assert_eq!(judged, "ContradictsHandled", "{} after {}", other, route);
                }
                let note = consumer.row("notes", &["a"]).unwrap();
                prop_assert_eq!(note["count"].as_u64(), Some(1));
            }
            // In one batch, and in another process, which finds them in the ledger.
            let consumer = consumer();
            let deliveries: Vec<Delivery> = routes.into_iter().map(|(_, delivery)| delivery).collect();
            let (verdicts, _) = consumer.receive_deliveries(&deliveries).await;
            let done = verdicts.iter().filter(|verdict| **verdict == Verdict::Done).count();
            let copies = verdicts.iter().filter(|verdict| **verdict == Verdict::Duplicate).count();
            prop_assert_eq!((done, copies), (1, deliveries.len() - 1));
            Ok(())
        })?;
    }

    #[test]
    fn what_is_not_understood_is_kept_byte_for_byte(parts in any_parts()) {
        prop_assume!(parts.travels());
        for (route, delivery) in parts.routes() {
            let event = Received::from_body(&delivery.body).unwrap().event;
            let by = if ["event bridge", "all of them"].contains(&route) { Writer::Service } else { Writer::Sender };
            let (payload, unknown) = (parts.payload.written(by), parts.unknown.written(by));
            prop_assert_eq!(event.payload().get(), &payload);
            prop_assert_eq!(event.unknown_fields().get("tenant").unwrap().get(), &unknown);
            prop_assert_eq!(event.metadata().unknown.get("region").unwrap().get(), &unknown);
            let json = event.to_json();
            for kept in [format!(r#""payload":{payload}"#), format!(r#""tenant":{unknown}"#), format!(r#""region":{unknown}"#)] {
                prop_assert!(json.contains(&kept), "{}", json);
            }
            prop_assert_eq!(Event::from_json(&json).unwrap().fingerprint(), event.fingerprint());
        }
    }
}
