//! What a handler that panicked leaves for the verdict.

/// The message of a panic, if it stands in the code as it is: one that was put together may hold what the handler was
/// given. The process logs where it was.
pub(super) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    match panic.downcast_ref::<&'static str>() {
        Some(text) => format!("the handler panicked: {text}"),
        None => "the handler panicked; the log has the location".to_owned(),
    }
}
