//! Expressions of DynamoDB, as far as conditions look at them: the top-level attributes they name, and the partition a
//! query is for.

use serde_json::Value;

use super::Unrecognised;

const WORDS: [&str; 10] = [
    "SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN", "SIZE",
];

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Token<'a> {
    Name(&'a str),
    Value(&'a str),
    Sign(char),
}

/// The top-level attributes that an expression names, with `#placeholders` resolved.
pub(super) fn attributes(expression: &str, names: &Value) -> Result<Vec<String>, Unrecognised> {
    let tokens = tokens(expression)?;
    let mut found = Vec::new();
    for (place, token) in tokens.iter().enumerate() {
        let Token::Name(name) = token else { continue };
        let is_nested = place > 0 && tokens[place - 1] == Token::Sign('.');
        let is_function = tokens.get(place + 1) == Some(&Token::Sign('('));
        let is_word = WORDS.iter().any(|word| word.eq_ignore_ascii_case(name));
        if !is_nested && !is_function && !is_word {
            found.push(resolved(name, names)?);
        }
    }
    Ok(found)
}

/// The value that a key condition wants of the partition key.
pub(super) fn partition<'a>(
    condition: &str,
    key: &str,
    names: &Value,
    values: &'a Value,
) -> Result<&'a Value, Unrecognised> {
    for three in tokens(condition)?.windows(3) {
        if let [Token::Name(name), Token::Sign('='), Token::Value(value)] = three
            && resolved(name, names)? == key
        {
            return Ok(&values[*value]);
        }
    }
    Err(Unrecognised(format!(
        "`{condition}` names no value of the partition key {key}"
    )))
}

fn resolved(name: &str, names: &Value) -> Result<String, Unrecognised> {
    match name.starts_with('#') {
        false => Ok(name.to_owned()),
        true => {
            let known = names[name].as_str().map(str::to_owned);
            known.ok_or_else(|| Unrecognised(format!("the name `{name}` of an expression is not given")))
        }
    }
}

fn tokens(expression: &str) -> Result<Vec<Token<'_>>, Unrecognised> {
    let mut tokens = Vec::new();
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        let length = rest
            .char_indices()
            .skip(1)
            .find(|(_, one)| !is_of_name(*one))
            .map_or(rest.len(), |(place, _)| place);
        let taken = match first {
            '#' | '_' => Some(Token::Name(&rest[..length])),
            ':' => Some(Token::Value(&rest[..length])),
            first if first.is_ascii_alphabetic() => Some(Token::Name(&rest[..length])),
            _ => None,
        };
        match taken {
            Some(token) => {
                tokens.push(token);
                rest = &rest[length..];
            }
            None if first.is_whitespace() || first.is_ascii_digit() => rest = &rest[first.len_utf8()..],
            None if "()[],.=<>+-".contains(first) => {
                tokens.push(Token::Sign(first));
                rest = &rest[1..];
            }
            None => return Err(Unrecognised(format!("`{first}` in the expression `{expression}`"))),
        }
    }
    Ok(tokens)
}

fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}
