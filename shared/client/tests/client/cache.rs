use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use onecommit_client::{Answer, ApiKey, CacheSettings, Client, ClientSettings, Origin, Trouble};
use serde_json::json;

use crate::kit::{Service, json as answer, settings, with};

async fn wait(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

async fn get(client: &Client) -> Answer<u32> {
    client.get("/x").answer().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_used_for_60_s_where_the_service_names_no_time() {
    let service = Service::new().json("1").json("2");
    let client = with(&service, settings());
    assert_eq!(get(&client).await.origin, Origin::Service);
    wait(59).await;
    let again = get(&client).await;
    let age = Duration::from_secs(59);
    assert_eq!((again.value, again.origin), (1, Origin::Cache { age }));
    wait(2).await;
    assert_eq!(get(&client).await.value, 2);
}

#[tokio::test(start_paused = true)]
async fn the_services_own_times_come_first() {
    for (control, asked) in [
        ("max-age=10", 2),
        ("max-age=600", 1),
        ("no-store", 3),
        ("no-cache", 3),
        ("private", 1),
    ] {
        let service = Service::new().answers(move || answer(200, &[("cache-control", control)], "1"));
        let client = with(&service, settings());
        get(&client).await;
        get(&client).await;
        wait(11).await;
        get(&client).await;
        assert_eq!(service.asked().len(), asked, "{control}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_answer_is_revalidated_by_its_etag() {
    let service = Service::new()
        .answers(|| answer(200, &[("etag", "\"v1\"")], "1"))
        .answers(|| answer(304, &[("etag", "\"v1\"")], ""))
        .answers(|| answer(200, &[("etag", "\"v2\"")], "2"));
    let client = with(&service, settings());
    get(&client).await;
    wait(61).await;
    let unchanged = get(&client).await;
    let age = Duration::ZERO;
    assert_eq!((unchanged.value, unchanged.origin), (1, Origin::Cache { age }));
    wait(30).await;
    assert_eq!(get(&client).await.value, 1, "renewed for another 60 s");
    assert_eq!(service.asked().len(), 2);
    wait(31).await;
    assert_eq!(get(&client).await.value, 2);
    let asked: Vec<_> = service
        .asked()
        .iter()
        .map(|asked| asked.header("if-none-match").map(str::to_owned))
        .collect();
    assert_eq!(asked, [None, Some("\"v1\"".to_owned()), Some("\"v1\"".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn answers_vary_by_what_the_service_says() {
    let service = Service::new()
        .answers(|| answer(200, &[("vary", "accept-language")], "1"))
        .answers(|| answer(200, &[("vary", "accept-language")], "2"))
        .json("3");
    let client = with(&service, settings());
    for (language, value) in [("de", 1), ("en", 2), ("de", 1), ("en", 2)] {
        let read = client
            .get::<u32>("/x")
            .header("accept-language", language)
            .await
            .unwrap();
        assert_eq!(read, value, "{language}");
    }
    let anything = Service::new().answers(|| answer(200, &[("vary", "*")], "1"));
    let client = with(&anything, settings());
    get(&client).await;
    get(&client).await;
    assert_eq!(anything.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_callers_answer_is_not_anothers() {
    let service = Service::new().json("1").json("2");
    let client = with(&service, settings());
    for (token, value) in [("Bearer a", 1), ("Bearer b", 2), ("Bearer a", 1)] {
        assert_eq!(
            client.get::<u32>("/x").header("authorization", token).await.unwrap(),
            value
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_may_go_past_the_cache() {
    let service = Service::new().json("1").json("2").json("3");
    let client = with(&service, settings());
    assert_eq!(client.get::<u32>("/x").without_cache().await.unwrap(), 1);
    assert_eq!(get(&client).await.value, 2, "nothing was kept");
    assert_eq!(client.get::<u32>("/x").without_cache().await.unwrap(), 3);
    assert_eq!(get(&client).await.value, 2);
}

#[tokio::test(start_paused = true)]
async fn callers_of_the_same_share_one_request() {
    let service = Service::new().json("1").taking(Duration::from_secs(1));
    let client = with(&service, settings());
    let answers = join_all((0..50).map(|_| get(&client))).await;
    assert!(answers.iter().all(|answer| answer.value == 1));
    assert_eq!(service.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_does_not_end_the_request_of_the_others() {
    let service = Service::new().json("1").taking(Duration::from_secs(1));
    let client = with(&service, settings());
    let first = tokio::spawn({
        let client = client.clone();
        async move { get(&client).await }
    });
    tokio::task::yield_now().await;
    let (second, ()) = tokio::join!(get(&client), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        first.abort();
    });
    assert_eq!((second.value, service.asked().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_caller_with_more_time_than_the_first_asks_again() {
    let service = Service::new().json("1").taking(Duration::from_secs(3));
    let client = with(&service, settings());
    let hurried = client.get::<u32>("/x").answer_within(Duration::from_secs(1));
    let (hurried, patient) = tokio::join!(hurried.answer(), get(&client));
    assert!(matches!(hurried.unwrap_err().trouble(), Trouble::TimedOut(_)));
    assert_eq!(patient.value, 1);
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_serves_briefly_during_an_outage() {
    let service = Service::new().json("1").status(503);
    let client = with(&service, settings());
    get(&client).await;
    wait(100).await;
    let stale = get(&client).await;
    let age = stale.origin.stale_for().unwrap();
    assert_eq!(stale.value, 1);
    assert!((100..=105).contains(&age.as_secs()), "{age:?}");
    wait(600).await;
    let error = client.get::<u32>("/x").await.unwrap_err();
    assert_eq!(error.status().unwrap(), 503);
}

#[tokio::test(start_paused = true)]
async fn the_service_can_shorten_or_forbid_caching() {
    for (control, is_given) in [
        ("max-age=60, stale-if-error=10", false),
        ("max-age=60, stale-if-error=300", true),
        ("max-age=60, must-revalidate", false),
    ] {
        let service = Service::new()
            .answers(move || answer(200, &[("cache-control", control)], "1"))
            .status(500);
        let client = with(&service, settings());
        get(&client).await;
        wait(100).await;
        assert_eq!(client.get::<u32>("/x").await.is_ok(), is_given, "{control}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_stands_in_for_an_answer_that_the_service_gave() {
    let service = Service::new().json("1").status(404).status(503);
    let client = with(&service, settings());
    get(&client).await;
    wait(61).await;
    assert_eq!(client.get::<u32>("/x").await.unwrap_err().status().unwrap(), 404);
    assert_eq!(client.get::<u32>("/x").await.unwrap_err().status().unwrap(), 503);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_is_not_kept() {
    let service = Service::new().json("1").json(r#"{"surprise": 1}"#).json("3");
    let client = with(&service, settings());
    get(&client).await;
    wait(61).await;
    assert!(matches!(
        client.get::<u32>("/x").await.unwrap_err().trouble(),
        Trouble::Drift(_)
    ));
    assert_eq!(get(&client).await.value, 3);
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_may_be_given_while_the_service_is_asked() {
    let service = Service::new().json("1").json("2");
    let cache = CacheSettings {
        stale_while_revalidate: Duration::from_secs(30),
        ..CacheSettings::default()
    };
    let settings = ClientSettings {
        cache: Some(cache),
        ..settings()
    };
    let client = with(&service, settings);
    get(&client).await;
    wait(70).await;
    let stale = get(&client).await;
    assert_eq!(
        (stale.value, stale.origin.stale_for()),
        (1, Some(Duration::from_secs(70)))
    );
    wait(1).await;
    assert_eq!(get(&client).await.value, 2);
    assert_eq!(service.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_was_changed_is_not_answered_from_before() {
    let service = Service::new().json("1").json("2").json("3");
    let client = with(&service, settings());
    get(&client).await;
    client.put::<u32>("/x", &json!({})).await.unwrap();
    assert_eq!(get(&client).await.value, 3);
}

#[tokio::test(start_paused = true)]
async fn the_cache_is_bounded() {
    let service = Service::new().json("1");
    let cache = CacheSettings {
        entries_max: 2,
        ..CacheSettings::default()
    };
    let settings = ClientSettings {
        cache: Some(cache),
        identity: Some(Arc::new(ApiKey::new("key").unwrap())),
        ..settings()
    };
    let client = with(&service, settings);
    for path in ["/a", "/b", "/c", "/c", "/a"] {
        client.get::<u32>(path).await.unwrap();
    }
    assert_eq!(service.asked().len(), 4, "/a was dropped for /c");
}
