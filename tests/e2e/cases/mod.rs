//! What the system promises. A case is an `async fn` and its name is the promise.

mod api;
mod authority;
mod catalog;
mod chaos;
mod circuits;
mod claim_check;
mod coming_back;
mod compatibility;
mod configuration;
mod crowd;
mod database;
mod forgetting;
mod graph;
mod identity;
mod notifications;
mod once;
mod operator;
mod orders;
mod parking;
mod payments;
mod private;
mod projections;
mod relay;
mod shipping;
mod storefront;
mod traces;
mod upgrade;
mod users;
mod working;

use std::future::Future;

use libtest_mimic::Trial;

use crate::local_aws;

pub(crate) use crowd::{order_with_payments, paid_by_order};
pub(crate) use parking::in_an_hour;

macro_rules! cases {
    ($($module:ident { $($case:ident),* $(,)? })*) => {
        vec![$($(case(concat!(stringify!($module), "::", stringify!($case)), $module::$case)),*),*]
    };
}

/// Every case. The longest come first, so that the others run beside them.
pub(crate) fn all() -> Vec<Trial> {
    cases! {
        parking {
            a_body_without_room_for_a_reason_is_kept_in_the_bucket,
        }
        chaos {
            nothing_is_lost_or_doubled_though_every_service_fails_and_processes_are_killed,
        }
        relay {
            five_thousand_events_leave_in_order_though_the_relay_is_killed_in_the_middle,
        }
        storefront {
            orders_end_well_or_not_at_all_though_functions_are_killed_all_the_time,
        }
        upgrade {
            a_stack_of_the_previous_version_is_updated_in_place_and_goes_on,
        }
        shipping {
            a_service_of_ones_own_absorbs_copies_and_parks_poison,
        }
        working {
            two_thousand_events_with_copies_through_workers_and_function_at_once_take_effect_once_each,
            a_fifo_queue_is_worked_in_order_per_group_and_a_failing_message_holds_back_its_own_group_only,
            a_worker_that_is_asked_to_end_gives_back_what_it_has_not_started_and_loses_nothing,
        }
        circuits {
            a_circuit_that_two_processes_open_is_open_for_a_third_and_closes_when_its_service_is_back,
        }
        projections {
            a_rebuild_while_events_keep_coming_ends_with_what_the_store_says,
            copies_and_disorder_do_a_view_no_harm,
            what_happens_to_an_order_shows_in_every_view,
        }
        claim_check {
            an_event_too_large_for_a_message_is_published_and_handled_like_any_other,
            a_payload_that_nobody_left_is_gone_and_not_just_out_of_reach,
        }
        crowd {
            in_a_crowd_with_copies_and_poison_every_event_takes_effect_once_and_every_poison_is_parked,
        }
        coming_back {
            a_message_that_fails_for_a_passing_reason_comes_back_and_is_then_handled,
        }
        once {
            an_event_over_sns_is_handled_and_recorded,
            an_event_over_event_bridge_is_handled_and_recorded,
            a_bare_event_on_the_queue_is_handled_and_recorded,
            a_cloud_event_on_the_queue_is_handled_and_recorded,
            a_payment_told_over_every_route_and_many_times_is_added_once,
            a_parked_copy_of_a_handled_event_may_be_redriven_without_effect,
            an_id_that_returns_with_another_payload_is_parked_and_changes_nothing,
            an_attribute_that_is_no_utf8_does_not_keep_a_message_from_being_handled,
        }
        parking {
            malformed_json_is_parked,
            an_event_without_a_required_field_is_parked,
            an_event_with_a_field_of_the_wrong_type_is_parked,
            a_payload_that_is_not_what_its_type_promises_is_parked,
            an_event_type_that_nobody_handles_is_parked,
            an_sns_envelope_without_a_message_is_parked,
            an_event_from_the_future_is_parked,
            a_parked_message_keeps_its_attributes_even_those_that_are_no_utf8,
        }
        api {
            one_event_is_published_and_reaches_the_view,
            an_array_is_answered_event_by_event_and_its_valid_events_reach_the_view,
            what_is_no_event_is_refused_with_a_reason,
            an_event_from_the_future_is_refused,
            a_direct_invocation_publishes_too,
        }
        authority {
            a_made_up_answer_of_the_payment_provider_settles_nothing,
            nobody_outside_asks_something_of_a_saga,
            a_made_up_place_in_a_stream_reaches_no_view,
            nobody_acts_in_the_name_of_another_user,
            a_forged_event_is_in_the_log_with_the_reason_and_the_field,
            an_event_carries_the_user_who_signed_the_request,
            nobody_outside_publishes_what_a_context_says,
            what_an_operator_asks_is_noted_under_their_aws_identity,
            the_outside_way_ends_at_the_queues_that_trust_it,
        }
        relay {
            what_was_appended_is_published_and_pending_no_more,
            what_never_left_is_found_without_the_stream,
            a_row_that_holds_no_event_is_parked_and_what_follows_leaves,
        }
        orders {
            an_order_is_taken_once_and_everybody_hears_of_it,
            everything_that_is_wrong_with_an_order_is_said_at_once,
            commands_over_the_topic_are_answered_and_an_order_goes_to_its_customer,
            what_was_ordered_together_is_recommended,
            what_customers_ordered_is_listed_added_up_and_leads_to_offers,
        }
        graph {
            one_query_reaches_all_three_subgraphs_for_the_viewer_alone,
        }
        traces {
            one_order_is_one_trace_from_the_request_to_the_notification,
        }
        payments {
            money_is_taken_once_however_often_it_is_asked_for,
            a_provider_that_does_not_answer_in_time_and_then_twice_changes_nothing,
            a_decline_is_an_answer,
            a_payment_that_is_given_up_while_the_provider_is_silent_is_never_taken,
        }
        forgetting {
            a_person_who_registered_ordered_and_was_told_is_forgotten_everywhere,
            keys_wrapped_with_kms_open_with_that_key_only,
        }
        private {
            nothing_that_a_message_holds_is_quoted_whichever_way_it_comes,
            a_worker_on_a_fifo_queue_quotes_nothing_either,
            no_api_repeats_what_it_was_sent_in_a_refusal,
        }
        identity {
            a_caller_outside_is_let_in_by_what_its_token_allows,
            an_api_key_is_let_in_until_it_is_revoked,
        }
        users {
            who_registers_is_shown_and_everybody_hears_of_a_change,
        }
        notifications {
            a_customer_is_told_once_over_each_channel,
            who_wants_to_be_left_alone_is_told_over_no_channel,
        }
        catalog {
            a_reservation_holds_stock_is_answered_to_everybody_and_gives_it_back,
            a_command_that_contradicts_an_earlier_one_is_parked_with_its_reason,
            products_are_listed_and_what_is_wrong_with_a_request_is_said_in_json,
            a_schedule_that_finds_nothing_to_expire_says_so,
        }
        database {
            dynamodb_meets_the_contract_of_a_database,
            dynamodb_has_its_limits_but_those_known_to_be_missing,
        }
        compatibility {
            transactions_on_the_same_items_wait_for_each_other_and_never_conflict,
            event_bridge_refuses_a_detail_that_is_no_json_on_localstack_only,
        }
        operator {
            an_orders_life_is_told_from_the_store_exported_verified_and_published_once_more,
        }
        configuration {
            a_function_without_configuration_names_everything_that_is_missing_at_once,
            a_deployment_without_credentials_says_so_before_anything_is_built,
        }
    }
}

/// Only MiniStack can be started with a proxy for faults before it: these cases start one of their own, and once is enough.
/// And LocalStack's free edition asks no authorizer: it lets everybody through. The lines of all spans of a trace were not found in the logs that
/// its functions leave. The update of a whole stack in place has been tried on MiniStack only.
const ON_MINISTACK_ONLY: [&str; 4] = ["chaos::", "identity::", "traces::", "upgrade::"];

/// Each case has a runtime of its own, as clients are bound to the runtime that they first ran on.
fn case<Case, Running>(name: &str, run: Case) -> Trial
where
    Case: FnOnce() -> Running + Send + 'static,
    Running: Future<Output = ()>,
{
    let is_ignored = ON_MINISTACK_ONLY.iter().any(|only| name.starts_with(only)) && local_aws::is_localstack();
    let trial = Trial::test(name, move || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(run());
        Ok(())
    });
    trial.with_ignored_flag(is_ignored)
}
