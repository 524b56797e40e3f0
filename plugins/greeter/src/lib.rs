//! Greets people.

use busbar_sdk::prelude::*;

/// The greeting words by language (ISO 639-1), the default first.
const GREETINGS: [(&str, &str); 8] = [
    ("en", "Hello"),
    ("de", "Hallo"),
    ("es", "Hola"),
    ("fr", "Bonjour"),
    ("it", "Ciao"),
    ("nl", "Hallo"),
    ("pl", "Cześć"),
    ("sv", "Hej"),
];

/// Whom to greet.
#[input]
struct Greet {
    /// The person's name.
    name: String,
    /// ISO 639-1, lower case: `en` if it is not given.
    language: Option<String>,
}

/// What to say.
#[output]
struct Greeting {
    greeting: String,
}

/// Greets a person in their language.
#[service(rest = "GET /greet/{name}", rest = "POST /greet", soap = "/soap/greeter")]
fn greet(input: Greet) -> Result<Greeting, Fault> {
    let name = input.name.trim();
    if name.is_empty() {
        return Err(Fault::reject("name-empty", "the name is empty").error("/name", "must not be empty"));
    }
    let language = input.language.as_deref().unwrap_or(GREETINGS[0].0);
    let (_, words) = GREETINGS.iter().find(|(known, _)| *known == language).ok_or_else(language_unknown)?;
    Ok(Greeting { greeting: format!("{words}, {name}!") })
}

fn language_unknown() -> Fault {
    let known = GREETINGS.map(|(language, _)| language).join(", ");
    Fault::reject("language-unknown", format!("the language is none of {known}"))
        .error("/language", format!("must be one of {known}"))
}

plugin!(greet);

#[cfg(test)]
mod tests {
    use super::*;

    fn greet_in(name: &str, language: Option<&str>) -> Result<String, String> {
        greet(Greet { name: name.to_owned(), language: language.map(str::to_owned) })
            .map(|output| output.greeting)
            .map_err(|fault| fault.code)
    }

    #[test]
    fn greets_in_the_language_asked_for() {
        assert_eq!(greet_in("Ada", None).as_deref(), Ok("Hello, Ada!"));
        assert_eq!(greet_in("Ada", Some("pl")).as_deref(), Ok("Cześć, Ada!"));
    }

    #[test]
    fn refuses_unknown_languages_and_empty_names() {
        assert_eq!(greet_in("Ada", Some("xx")).unwrap_err(), "language-unknown");
        assert_eq!(greet_in("  ", None).unwrap_err(), "name-empty");
    }
}
