//! Members of a merge patch (RFC 7396): absent, null and given are three things.

use std::{fmt, marker::PhantomData};

use busbar_store::Plaintext;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use crate::check::Check;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Member<T> {
    #[default]
    Absent,
    Null,
    Given(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Member<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Given))
    }
}

impl<T> Member<T> {
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    pub(crate) fn given(self) -> Option<T> {
        match self {
            Self::Absent | Self::Null => None,
            Self::Given(value) => Some(value),
        }
    }

    /// What is to be set; `None` leaves it as it is. Null stands for `default` where there is one.
    pub(crate) fn checked<U, E: fmt::Display>(
        self,
        check: &mut Check,
        path: &str,
        default: Option<U>,
        parse: impl FnOnce(T) -> Result<U, E>,
    ) -> Option<U> {
        match self {
            Self::Absent => None,
            Self::Null => check.some(path, default, "is null, but must have a value"),
            Self::Given(value) => check.ok(path, parse(value)),
        }
    }
}

/// An object within an object. serde would take an array of its members' values too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_any(Visitor(PhantomData))
    }
}

/// A text that is to be hidden. What is no text is refused without repeating it.
#[derive(Clone)]
pub(crate) struct Hidden(pub(crate) Plaintext);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text.into())),
            _ => Err(de::Error::custom("is not a text")),
        }
    }
}

/// A whole number of any size, so that one out of range is told the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whole(i128);

impl Whole {
    pub(crate) fn within(self, least: u64, most: u64) -> Result<u64, String> {
        u64::try_from(self.0)
            .ok()
            .filter(|value| (least..=most).contains(value))
            .ok_or_else(|| format!("is {}; allowed is {least} to {most}", self.0))
    }
}

impl Serialize for Whole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match u64::try_from(self.0) {
            Ok(number) => serializer.serialize_u64(number),
            // Out of any range that there is.
            Err(_) => serializer.serialize_i64(i64::try_from(self.0).unwrap_or(i64::MIN)),
        }
    }
}

impl<T: Serialize> Serialize for Object<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Whole;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_i64<E>(self, value: i64) -> Result<Whole, E> {
                Ok(Whole(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Whole, E> {
                Ok(Whole(value.into()))
            }

            /// JSON has one kind of number: 1.0 is 1.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a number out of range becomes the nearest in range, which is refused too"
            )]
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Whole, E> {
                if value.fract() == 0.0 {
                    Ok(Whole(value as i128))
                } else {
                    Err(E::invalid_type(de::Unexpected::Float(value), &self))
                }
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::{Member, Object, Whole};

    #[derive(Deserialize)]
    struct Patch {
        #[serde(default)]
        a: Member<String>,
    }

    #[test]
    fn absent_null_and_given_are_three_things() {
        let a = |text| serde_json::from_str::<Patch>(text).unwrap().a;
        assert_eq!(a("{}"), Member::Absent);
        assert_eq!(a(r#"{"a": null}"#), Member::Null);
        assert_eq!(a(r#"{"a": "x"}"#), Member::Given("x".to_owned()));
    }

    #[test]
    fn an_array_is_no_object() {
        let of = |text| serde_json::from_str::<Object<Patch>>(text).map(|patch| patch.0.a);
        assert_eq!(of(r#"{"a": "x"}"#).unwrap(), Member::Given("x".to_owned()));
        assert!(of(r#"["x"]"#).unwrap_err().to_string().contains("expected an object"));
    }

    #[test]
    fn a_number_out_of_range_is_told_the_range() {
        let within = |text| serde_json::from_str::<Whole>(text).unwrap().within(1, 9);
        assert_eq!(within("9"), Ok(9));
        assert_eq!(within("-1"), Err("is -1; allowed is 1 to 9".to_owned()));
        assert_eq!(within("18446744073709551615").unwrap_err(), "is 18446744073709551615; allowed is 1 to 9");
        assert_eq!(within("8.0"), Ok(8));
        assert_eq!(within("1e300").unwrap_err().split_once(';').unwrap().1, " allowed is 1 to 9");
        assert!(serde_json::from_str::<Whole>("1.5").is_err());
    }
}
