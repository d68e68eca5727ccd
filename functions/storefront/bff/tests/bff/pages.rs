use axum::http::Method;
use serde_json::json;

use crate::kit::{Answer, Behaviour, Fixture, SITE, asked};

const OWN: (&str, &str) = ("origin", SITE);
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// Somebody in a browser, signed in through the form.
struct Browser {
    fixture: Fixture,
    cookie: String,
}

impl Browser {
    async fn signed_in(fixture: Fixture) -> Self {
        let answer = fixture
            .send(asked(Method::POST, "/account/session", &[FORM, OWN], "userId=ada"))
            .await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, "../account"),
            "{answer:?}"
        );
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        Self { fixture, cookie }
    }

    async fn look_at(&self, path: &str) -> Answer {
        self.fixture
            .send(asked(Method::GET, path, &[("cookie", &self.cookie)], ""))
            .await
    }

    async fn send(&self, path: &str, form: &str) -> Answer {
        let headers = [FORM, OWN, ("cookie", &*self.cookie)];
        self.fixture.send(asked(Method::POST, path, &headers, form)).await
    }

    /// What the form of a product holds.
    async fn order_form(&self) -> String {
        let page = self.look_at("/").await.text;
        let form = page.split("account/orders\"").nth(1).unwrap();
        let value = |name: &str| {
            let at = form.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
            at.split('"').next().unwrap().to_owned()
        };
        let (token, key, sku) = (value("formToken"), value("key"), value("sku"));
        format!("formToken={token}&key={key}&sku={sku}&quantity=2")
    }
}

fn shop() -> Fixture {
    let fixture = Fixture::new();
    fixture.product("TEAPOT", 1_250, true);
    fixture
}

fn elements<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let opening = format!("<{name}");
    let elements = page
        .match_indices(&*opening)
        .map(|(at, found)| &page[at + found.len()..]);
    let elements = elements.filter(|rest| rest.starts_with([' ', '>']));
    elements.map(|rest| rest.split('>').next().unwrap()).collect()
}

fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let value = element.split(&format!(" {name}=\"")).nth(1)?;
    value.split('"').next()
}

/// What every page has to be, whatever it shows.
fn check(page: &Answer) {
    let policy = page.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"),
        "{policy}"
    );
    assert!(
        !policy.contains("unsafe") && policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'")
    );
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("cache-control"), "no-store");
    let text = &page.text;
    for script in elements(text, "script") {
        assert!(
            attribute(script, "src").is_some_and(|src| src.ends_with("assets/shop.js")),
            "{script}"
        );
    }
    assert!(
        text.contains("defer></script>"),
        "nothing is within the script's element"
    );
    for inline in [" style=\"", " onclick", " onload", "javascript:", "<style"] {
        assert!(!text.contains(inline), "{inline}");
    }
    assert!(text.contains("<html lang=\"en\">") && text.contains("<main id=\"content\">"));
    assert_eq!(elements(text, "h1").len(), 1);
    assert!(
        text.contains("href=\"#content\""),
        "the content can be reached with one key"
    );
    let labelled: Vec<_> = elements(text, "label")
        .into_iter()
        .filter_map(|label| attribute(label, "for"))
        .collect();
    for field in elements(text, "input").into_iter().chain(elements(text, "select")) {
        let is_hidden = attribute(field, "type") == Some("hidden");
        let is_labelled = attribute(field, "id").is_some_and(|id| labelled.contains(&id));
        assert!(is_hidden || is_labelled, "{field}");
    }
    for image in elements(text, "img") {
        assert!(attribute(image, "alt").is_some(), "{image}");
    }
    for form in elements(text, "form")
        .iter()
        .filter(|form| attribute(form, "method") == Some("post"))
    {
        let action = attribute(form, "action").unwrap();
        let is_anonymous = action.ends_with("account/session");
        assert!(is_anonymous || text.contains("name=\"formToken\""), "{form}");
    }
    // Nothing but images comes from elsewhere, and no link leaves the site's own paths.
    for link in elements(text, "a").into_iter().chain(elements(text, "link")) {
        let target = attribute(link, "href").unwrap();
        assert!(target.starts_with(['.', '#']), "{link}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_page_is_sound_with_a_session_and_without() {
    let fixture = shop();
    fixture.order("ord_1", "ada", "created", 1);
    let paths = ["/", "/account", "/account/orders/ord_1", "/account/orders/none"];
    for path in paths {
        check(&fixture.send(asked(Method::GET, path, &[], "")).await);
    }
    let browser = Browser::signed_in(fixture).await;
    for (path, status) in paths.into_iter().zip([200, 200, 200, 404]) {
        let page = browser.look_at(path).await;
        check(&page);
        assert_eq!(page.status, status, "{path}");
        assert!(page.text.contains("Signed in as"));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_session_a_page_asks_to_sign_in() {
    let fixture = shop();
    fixture.order("ord_1", "ada", "created", 1);
    for (path, status) in [("/", 200), ("/account", 401), ("/account/orders/ord_1", 401)] {
        let page = fixture.send(asked(Method::GET, path, &[], "")).await;
        assert_eq!(page.status, status, "{path}");
        assert!(page.text.contains("Your user id"), "{path}");
        assert!(!page.text.contains("1250") && !page.text.contains("ord_1\""));
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_is_placed_by_a_form_once() {
    let browser = Browser::signed_in(shop()).await;
    let form = browser.order_form().await;
    let (first, again) = (
        browser.send("/account/orders", &form).await,
        browser.send("/account/orders", &form).await,
    );
    assert_eq!((first.status, again.status), (303, 303), "{first:?}");
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(browser.fixture.shop.lock().unwrap().orders.len(), 1);
    let order = browser.look_at(&format!("/account/{}", first.header("location"))).await;
    assert!(
        order.text.contains("25.00 EUR") && order.text.contains("aria-current=\"step\""),
        "{}",
        order.text
    );
    assert!(
        order.text.contains("http-equiv=\"refresh\""),
        "without a script it loads itself again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_form_is_of_this_site_and_this_session() {
    let browser = Browser::signed_in(shop()).await;
    let form = browser.order_form().await;
    let cookie = ("cookie", &*browser.cookie);
    let fixture = &browser.fixture;
    for (headers, body, status) in [
        (vec![FORM, cookie], &*form, 403),
        (vec![FORM, cookie, ("origin", "https://evil.example")], &form, 403),
        (
            vec![FORM, OWN, cookie],
            &form.replacen("formToken=", "formToken=x", 1),
            403,
        ),
        (vec![FORM, OWN, cookie], &form.replacen("formToken=", "other=", 1), 403),
        (vec![FORM, OWN], &form, 401),
        (vec![OWN, cookie], &form, 415),
        (vec![OWN, cookie, ("content-type", "application/json")], "{}", 415),
        (vec![FORM, OWN, cookie], &format!("{form}&sku=OTHER"), 400),
        (
            vec![FORM, OWN, cookie],
            &format!("{form}&x={}", "x".repeat(70_000)),
            413,
        ),
    ] {
        let answer = fixture
            .send(asked(Method::POST, "/account/orders", &headers, body))
            .await;
        assert_eq!(answer.status, status, "{headers:?}");
        assert!(answer.header("content-type").starts_with("text/html"));
        check(&answer);
    }
    for (field, value) in [
        ("quantity=2", "quantity=0"),
        ("quantity=2", "quantity=many"),
        ("sku=TEAPOT", "sku=NONE"),
    ] {
        let answer = browser.send("/account/orders", &form.replace(field, value)).await;
        assert!((400..500).contains(&answer.status), "{value}");
        check(&answer);
    }
    assert!(fixture.shop.lock().unwrap().orders.is_empty());
    let foreign = [FORM, ("origin", "https://evil.example")];
    let answer = fixture
        .send(asked(Method::POST, "/account/session", &foreign, "userId=eve"))
        .await;
    assert_eq!((answer.status, answer.header("set-cookie")), (403, ""));
}

#[tokio::test(start_paused = true)]
async fn what_services_say_is_text_on_a_page() {
    let fixture = shop();
    let hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    {
        let mut shop = fixture.shop.lock().unwrap();
        let product = shop.products.get_mut("TEAPOT").unwrap();
        product["name"] = hostile.into();
        product["description"] = hostile.into();
        product["imageUrl"] = "javascript:alert(1)".into();
        shop.users.insert(
            "ada".to_owned(),
            json!({"userId": "ada", "displayName": hostile,
            "avatar": "javascript:alert(1)", "createdAt": "2025-01-02T03:04:05.000Z", "version": 1}),
        );
        shop.notifications
            .push(json!({"notificationId": hostile, "title": hostile, "read": false,
            "createdAt": "2025-01-02T03:04:05.000Z"}));
    }
    fixture.order("ord_1", "ada", hostile, 1);
    let browser = Browser::signed_in(fixture).await;
    for path in ["/", "/account", "/account/orders/ord_1"] {
        let page = browser.look_at(path).await;
        check(&page);
        assert!(page.text.contains("&lt;script&gt;"), "{path}");
        assert!(
            !page.text.contains("<script>alert") && !page.text.contains("<img src=x"),
            "{path}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_dashboard_names_what_does_not_answer() {
    let fixture = shop();
    fixture.set("orders", Behaviour::Down);
    let browser = Browser::signed_in(fixture).await;
    let page = browser.look_at("/account").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("orders did not answer"), "{}", page.text);
    assert!(!page.text.contains("<dd>0</dd>"), "an outage does not look like zeros");
    browser.fixture.set("catalog", Behaviour::Down);
    let products = browser.look_at("/").await;
    assert_eq!(products.status, 503);
    check(&products);
}

#[tokio::test(start_paused = true)]
async fn signing_out_takes_the_cookie_away() {
    let browser = Browser::signed_in(shop()).await;
    let form = browser.order_form().await;
    let answer = browser.send("/account/sign-out", &form).await;
    assert_eq!((answer.status, answer.header("location")), (303, "../"));
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
}

#[tokio::test(start_paused = true)]
async fn pages_need_three_files_of_this_site() {
    let fixture = shop();
    for (name, kind) in [
        ("shop.css", "text/css; charset=utf-8"),
        ("shop.js", "text/javascript; charset=utf-8"),
        ("shop.svg", "image/svg+xml"),
    ] {
        let file = fixture
            .send(asked(Method::GET, &format!("/assets/{name}"), &[], ""))
            .await;
        assert_eq!((file.status, file.header("content-type")), (200, kind));
        let text = file.text.replace("http://www.w3.org/2000/svg", "");
        assert!(!text.contains("http://") && !text.contains("https://"));
        assert!(!file.text.contains("eval(") && !file.text.contains("innerHTML"));
    }
    for path in ["/assets/..%2FCargo.toml", "/assets/shop.map"] {
        assert_eq!(fixture.send(asked(Method::GET, path, &[], "")).await.status, 404);
    }
}
