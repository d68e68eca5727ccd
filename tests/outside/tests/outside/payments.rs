use onecommit_client::{Client, ClientSettings};
use onecommit_environment::Environment;
use onecommit_outside::Fault;
use storefront_money::{Currency, Money};
use storefront_payments::{
    Found, HttpProvider, PaymentId, PaymentProvider, ProviderError, ProviderOutcome, Terms, VoidAnswer,
};

use crate::process::Process;

fn terms(order_id: &str, minor_units: i64, currency: &str) -> Terms {
    Terms {
        order_id: order_id.into(),
        customer_id: "cus_1".into(),
        amount: Money::new(minor_units, Currency::new(currency).unwrap()),
        method: "card".into(),
    }
}

fn provider(outside: &Process) -> HttpProvider {
    HttpProvider::new(outside.client(&Environment::system()))
}

#[tokio::test]
async fn money_is_taken_once_and_goes_back_once_in_every_currency() {
    let outside = Process::start();
    let provider = provider(&outside);
    for (order, minor, currency) in [
        ("ord_eur", 1_250, "EUR"),
        ("ord_jpy", 1_250, "JPY"),
        ("ord_bhd", 1_250, "BHD"),
    ] {
        let (id, terms) = (PaymentId::of_order(order), terms(order, minor, currency));
        assert_eq!(provider.find(&id).await.unwrap(), None);
        for _ in 0..2 {
            assert_eq!(provider.capture(&id, &terms).await.unwrap(), ProviderOutcome::Captured);
        }
        let found = Found {
            terms: Some(terms.clone()),
            outcome: ProviderOutcome::Captured,
        };
        assert_eq!(provider.find(&id).await.unwrap(), Some(found));
        assert_eq!(provider.void(&id).await.unwrap(), VoidAnswer::Captured(terms.clone()));
        for _ in 0..2 {
            assert_eq!(provider.refund(&id).await.unwrap(), terms.amount);
        }
        let report = outside.report().await;
        assert_eq!(
            (&report["captures"][id.as_str()], &report["refunds"][id.as_str()]),
            (&1.into(), &1.into())
        );
        assert_eq!(report["withoutKey"], 0);
    }
}

#[tokio::test]
async fn other_terms_for_the_same_payment_are_refused() {
    let outside = Process::start();
    let (provider, id) = (provider(&outside), PaymentId::of_order("ord_1"));
    provider.capture(&id, &terms("ord_1", 1_250, "EUR")).await.unwrap();
    let error = provider.capture(&id, &terms("ord_1", 1_251, "EUR")).await.unwrap_err();
    assert!(matches!(error, ProviderError::Refused(_)), "{error:?}");
}

#[tokio::test]
async fn a_payment_that_was_given_up_takes_no_money() {
    let outside = Process::start();
    let (provider, id) = (provider(&outside), PaymentId::of_order("ord_1"));
    assert_eq!(provider.void(&id).await.unwrap(), VoidAnswer::GivenUp);
    let outcome = provider.capture(&id, &terms("ord_1", 1_250, "EUR")).await.unwrap();
    assert_eq!(outcome, ProviderOutcome::Voided);
    assert!(matches!(provider.refund(&id).await, Err(ProviderError::Refused(_))));
    assert_eq!(outside.report().await["captures"], serde_json::json!({}));
}

#[tokio::test]
async fn a_decline_is_an_answer() {
    let outside = Process::start();
    let declined = Terms {
        method: "stolen-card".into(),
        ..terms("ord_1", 1_250, "EUR")
    };
    let outcome = provider(&outside)
        .capture(&PaymentId::of_order("ord_1"), &declined)
        .await
        .unwrap();
    assert_eq!(outcome, ProviderOutcome::Declined);
}

#[tokio::test]
async fn no_answer_is_never_a_decline() {
    let outside = Process::start();
    let (provider, terms) = (provider(&outside), terms("ord_1", 1_250, "EUR"));
    for fault in [
        Fault::Unavailable,
        Fault::DoneButError,
        Fault::DoneButCut,
        Fault::Page,
        Fault::Flood,
        Fault::Redirect,
    ] {
        outside.fails(&[fault; 3]).await;
        let error = provider
            .capture(&PaymentId::of_order("ord_1"), &terms)
            .await
            .unwrap_err();
        assert!(matches!(error, ProviderError::NoAnswer(_)), "{fault:?}: {error:?}");
    }
    outside.fails(&[]).await;
    provider.capture(&PaymentId::of_order("ord_1"), &terms).await.unwrap();
    assert_eq!(outside.report().await["captures"]["pay_ord_1"], 1);
}

#[tokio::test]
async fn a_key_that_is_not_accepted_declines_nothing() {
    let outside = Process::start();
    let without_key: Client = outside.client_with(ClientSettings::default());
    let error = HttpProvider::new(without_key)
        .capture(&PaymentId::of_order("ord_1"), &terms("ord_1", 1, "EUR"))
        .await;
    assert!(matches!(error, Err(ProviderError::NoAnswer(_))), "{error:?}");
}

#[tokio::test]
async fn an_amount_that_cannot_be_written_is_not_sent() {
    let outside = Process::start();
    let provider = provider(&outside);
    for (minor, currency) in [(-1, "EUR"), (1, "XXX")] {
        let error = provider
            .capture(&PaymentId::of_order("ord_1"), &terms("ord_1", minor, currency))
            .await;
        assert!(matches!(error, Err(ProviderError::Refused(_))), "{error:?}");
    }
    assert_eq!(outside.report().await["requests"], 0);
}
