/// Methods of settings that set one field each, under the field's name.
///
/// Settings grow. As `#[non_exhaustive]` structs they can, since no other crate can write one as a literal; these are for what a
/// literal was for: `Settings::default().concurrency(5)`.
#[macro_export]
macro_rules! setters {
    ($settings:ident { $($field:ident: $kind:ty),+ $(,)? }) => {
        impl $settings {
            $(
                #[doc = concat!("With another [`", stringify!($settings), "::", stringify!($field), "`](field@Self::", stringify!($field), ").")]
                #[must_use]
                pub fn $field(mut self, $field: $kind) -> Self {
                    self.$field = $field;
                    self
                }
            )+
        }
    };
}

#[cfg(test)]
#[allow(
    unreachable_pub,
    reason = "settings are public, and so are the methods that the macro writes"
)]
mod tests {
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    struct Settings {
        tries: u32,
        is_patient: bool,
    }

    setters!(Settings {
        tries: u32,
        is_patient: bool
    });

    #[test]
    fn a_setter_changes_its_own_field_alone() {
        let changed = Settings {
            tries: 3,
            is_patient: true,
        };
        assert_eq!(Settings::default().tries(3).is_patient(true), changed);
        assert_eq!(Settings::default().tries(3).tries, 3);
        assert!(!Settings::default().tries(3).is_patient);
    }
}
