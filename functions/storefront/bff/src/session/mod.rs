//! Who asks: access tokens of an identity provider, in a header or in this site's cookie; and whether a change that comes with
//! the cookie was really made on this site.

mod caller;
mod cookie;
mod local;
mod origin;
mod sessions;

pub(crate) use caller::{Caller, Refused, same_site};
pub(crate) use cookie::{emptied, filled};
pub(crate) use local::UserId;
pub use local::{LOCAL_USERS, LocalIssuer};
pub use origin::{InvalidOrigin, Origin};
pub use sessions::Sessions;
