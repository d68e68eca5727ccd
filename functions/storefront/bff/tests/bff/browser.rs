//! The pages in a real browser, headless, driven by WebDriver (<https://www.w3.org/TR/webdriver2/>). Where there is no Chromium
//! with its driver (Debian: `apt-get install chromium chromium-driver`) this is skipped. `PICTURES=write` keeps the pictures in
//! `docs/pictures`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use storefront_bff::{BffSettings, Door, Origin};
use tokio::net::TcpListener;

use crate::kit::{Behaviour, Fixture, Shared};

const DRIVER: &str = "chromedriver";
/// By this name, WebDriver's answers hold the id of an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The shop's front door on an address of this machine, until the test ends.
fn open(fixture: Fixture) -> String {
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, fixture.bff.router()).await.unwrap();
        });
    });
    format!("http://{}", receiver.recv().unwrap())
}

/// A browser, ended with the test whatever becomes of it.
struct Browser {
    driver: Child,
    session: String,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = ureq::delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Browser {
    fn start(scheme: &str) -> Option<Self> {
        let driver = Command::new(DRIVER)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut driver = driver.ok()?;
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let started = lines
            .map_while(Result::ok)
            .find(|line| line.contains("started successfully on port"));
        let port: String = started.unwrap().chars().filter(char::is_ascii_digit).collect();
        let mut browser = Self {
            driver,
            session: format!("http://127.0.0.1:{port}/session"),
        };
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--window-size=1100,900".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            format!(
                "--blink-settings=preferredColorScheme={}",
                if scheme == "dark" { 0 } else { 1 }
            ),
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"implicit": 60_000, "pageLoad": 120_000}}}});
        let id = browser.post("", &wanted)["sessionId"].as_str().unwrap().to_owned();
        browser.session = format!("{}/{id}", browser.session);
        Some(browser)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let request = ureq::post(format!("{}{path}", self.session)).content_type("application/json");
        let request = request.config().http_status_as_error(false).build();
        let answer = request.send(body.to_string()).unwrap();
        assert!(answer.status().is_success(), "{path} {body}: {}", value_of(answer));
        value_of(answer)
    }

    fn get(&self, path: &str) -> Value {
        value_of(ureq::get(format!("{}{path}", self.session)).call().unwrap())
    }

    fn go(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    /// The first element of a CSS selector; WebDriver waits for it.
    fn find(&self, selector: &str) -> String {
        let found = self.post("/element", &json!({"using": "css selector", "value": selector}));
        found[ELEMENT]
            .as_str()
            .unwrap_or_else(|| panic!("{selector}: {found}"))
            .to_owned()
    }

    /// Waits until such an element (of XPath) shows this text. That is one question: an element that was found and is then asked
    /// for its text may be of the page before.
    fn shows(&self, element: &str, text: &str) {
        let shown = format!("//{element}[contains(normalize-space(), '{text}')]");
        self.post("/element", &json!({"using": "xpath", "value": shown}));
    }

    /// Presses keys where the focus is; `\u{E004}` is Tab, `\u{E007}` Enter.
    fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key.to_string()})))
            .collect();
        self.post(
            "/actions",
            &json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]}),
        );
    }

    fn focus(&self, selector: &str) {
        let script = "document.querySelector(arguments[0]).focus()";
        self.post("/execute/sync", &json!({"script": script, "args": [selector]}));
    }

    fn picture(&self, name: &str) {
        let picture = STANDARD.decode(self.get("/screenshot").as_str().unwrap()).unwrap();
        assert!(picture.starts_with(b"\x89PNG"));
        std::fs::write(pictures().join(format!("{name}.png")), picture).unwrap();
    }

    /// What the browser complains of: refused scripts and styles among it.
    fn complaints(&self) -> Vec<String> {
        let entries = self.post("/se/log", &json!({"type": "browser"}));
        let entries = entries.as_array().unwrap().iter();
        entries
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn value_of(mut response: http::Response<ureq::Body>) -> Value {
    let text = response.body_mut().read_to_string().unwrap();
    let mut answer: Value = serde_json::from_str(&text).unwrap();
    answer["value"].take()
}

fn pictures() -> PathBuf {
    match std::env::var("PICTURES").as_deref() {
        Ok("write") => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/pictures"),
        _ => PathBuf::from(env!("CARGO_TARGET_TMPDIR")),
    }
}

fn set_status(shop: &Shared, status: &str, version: u64) {
    let mut shop = shop.lock().unwrap();
    let order = shop.orders.values_mut().next().unwrap();
    order["status"] = status.into();
    order["version"] = version.into();
}

fn shop() -> Fixture {
    let settings = BffSettings {
        door: Door::Streaming,
        ..BffSettings::default()
    };
    let fixture = Fixture::on(Origin::of_host(), settings);
    for (sku, minor_units, available) in [("TEAPOT", 1_250, true), ("CUP", 450, true), ("KETTLE", 3_200, false)] {
        fixture.product(sku, minor_units, available);
    }
    let mut shop = fixture.shop.lock().unwrap();
    for product in shop.products.values_mut() {
        // No request leaves this machine.
        product["imageUrl"] = Value::Null;
    }
    shop.users.insert(
        "ada".to_owned(),
        json!({"userId": "ada", "displayName": "Ada", "version": 1,
        "createdAt": "2025-01-02T03:04:05.000Z"}),
    );
    shop.notifications
        .push(json!({"notificationId": "not_1", "title": "Welcome", "read": false,
        "createdAt": "2025-01-02T03:04:05.000Z"}));
    shop.recommended = vec!["CUP".to_owned()];
    shop.totals = json!({"orders": 3, "pending": 1, "spent": [{"minorUnits": 2500, "currency": "EUR"}]});
    drop(shop);
    fixture
}

#[test]
#[allow(clippy::print_stderr, reason = "who runs the tests is told what was not tested")]
fn somebody_signs_in_orders_and_watches_without_a_mouse() {
    let fixture = shop();
    let shared = fixture.shop.clone();
    let Some(browser) = Browser::start("light") else {
        eprintln!("skipped: there is no {DRIVER}; install chromium and chromium-driver");
        return;
    };
    let site = open(fixture);
    browser.go(&format!("{site}/"));
    browser.focus("#user-id");
    browser.press("ada\u{E007}");
    browser.shows("h1", "Your dashboard");
    browser.shows("header//strong", "ada");

    browser.go(&format!("{site}/"));
    browser.picture("products");
    browser.focus("#quantity-TEAPOT");
    browser.press("\u{E004}\u{E007}");
    browser.shows("*[@aria-current]", "Requested");
    // The page is never loaded again: the script takes what changed.
    let heading = browser.find("h1");
    for (status, version, shown) in [("created", 1, "Placed"), ("confirmed", 2, "Paid and confirmed")] {
        set_status(&shared, status, version);
        let step = format!("*[@aria-current][count(preceding-sibling::*) = {version}]");
        browser.shows(&step, shown);
    }
    browser.picture("order");
    assert_eq!(browser.find("h1"), heading);
    set_status(&shared, "cancelled", 3);
    browser.shows("*[@id='order']//*[contains(@class, 'notice')]", "cancelled");

    shared.lock().unwrap().behaviours.insert("orders", Behaviour::Down);
    browser.go(&format!("{site}/account"));
    browser.shows("*[contains(@class, 'notice')]", "orders did not answer");
    browser.picture("dashboard-degraded");
    let complaints = browser.complaints();
    assert!(complaints.is_empty(), "{complaints:?}");
}

#[test]
fn a_browser_that_prefers_it_gets_dark_pages() {
    let Some(browser) = Browser::start("dark") else { return };
    let site = open(shop());
    browser.go(&format!("{site}/"));
    let script = "return [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]";
    let colours = browser.post("/execute/sync", &json!({"script": script, "args": []}));
    assert_eq!(colours, json!(["rgb(20, 23, 27)", "rgb(231, 234, 238)"]));
    browser.picture("products-dark");
}
