//! Verbs and their errors, read from JSON.

use super::*;

fn read(text: &str) -> Result<Action, ActionError> {
    Action::read(&serde_json::from_str(text).unwrap())
}

#[test]
fn every_verb_that_acts_is_read_with_its_needed_keys_and_no_other_is() {
    let values = [
        ("symbol", Value::from("AAPL")),
        ("fault", Value::from("half-open@30s")),
        ("side", Value::from("sell")),
        ("quantity", Value::from("10")),
    ];
    for verb in VERBS.iter().filter(|verb| verb.kind == Use::Act) {
        let mut map = Map::new();
        map.insert("do".to_owned(), Value::from(verb.name));
        for key in verb.keys.iter().filter(|key| key.is_required) {
            let value = values.iter().find(|(name, _)| *name == key.name).unwrap();
            map.insert(key.name.to_owned(), value.1.clone());
        }
        match verb.name {
            "set-price" => map.insert("bid".to_owned(), Value::from("230")),
            "correct" => map.insert("price".to_owned(), Value::from("230")),
            _ => None,
        };
        Action::read(&map).unwrap_or_else(|error| panic!("{}: {error}", verb.name));
    }
    let error = read(r#"{"do":"orders"}"#).unwrap_err();
    assert!(error.what.contains("cannot be done here"), "{error}");
}

#[test]
fn what_is_wrong_names_its_key_and_what_would_do() {
    let table = [
        (r#"{}"#, None, "`do` is missing", "set-price"),
        (
            r#"{"do":"set-prise","symbol":"A"}"#,
            Some("do"),
            "unknown verb \"set-prise\"",
            "did you mean \"set-price\"?",
        ),
        (r#"{"do":"set-price","symbl":"A"}"#, Some("symbl"), "no key \"symbl\"", "did you mean \"symbol\"?"),
        (r#"{"do":"set-price","bid":"1"}"#, None, "needs \"symbol\"", "Sets the market"),
        (r#"{"do":"set-price","symbol":"A","bid":1.5}"#, Some("bid"), "is 1.5", "in quotes"),
        (r#"{"do":"set-price","symbol":"A","bid":"2","ask":"1"}"#, Some("ask"), "not below", "below"),
        (r#"{"do":"set-price","symbol":"A"}"#, None, "neither bid nor ask", "231.50"),
        (r#"{"do":"inject","fault":"rejct@3"}"#, Some("fault"), "did you mean \"reject\"?", "--list-faults"),
        (r#"{"do":"clear-faults","name":"halfopen"}"#, Some("name"), "did you mean \"half-open\"?", "leave"),
        (r#"{"do":"fill","quantity":"0"}"#, Some("quantity"), "is 0", "above zero"),
        (r#"{"do":"disconnect","client":"7"}"#, Some("client"), "is \"7\"", "without quotes"),
        (r#"{"do":"disconnect","how":"bang"}"#, Some("how"), "is \"bang\"", "fin, rst"),
        (r#"{"do":"correct","exec_id":"a"}"#, None, "nothing is corrected", "price"),
        (
            r#"{"do":"place-by-hand","symbol":"A","side":"hold","quantity":1}"#,
            Some("side"),
            "hold",
            "buy, sell",
        ),
    ];
    for (text, key, what, hint) in table {
        let error = read(text).unwrap_err();
        assert_eq!(error.key.as_deref(), key, "{text}: {error}");
        assert!(error.what.contains(what), "{text}: {error}");
        assert!(error.hint.contains(hint), "{text}: {error}");
    }
}

#[test]
fn a_side_is_a_price_nobody_or_unsaid() {
    let read = |text: &str| match read(text).unwrap() {
        Action::SetPrice { market, .. } => (market.bid, market.ask),
        other => panic!("{other:?}"),
    };
    let at = |price: &str| SideSpec::At(price.parse().unwrap());
    assert_eq!(read(r#"{"do":"set-price","symbol":"A","bid":"1.5"}"#), (at("1.5"), SideSpec::Unsaid));
    assert_eq!(read(r#"{"do":"set-price","symbol":"A","bid":"none","ask":7}"#), (SideSpec::Nobody, at("7")));
}
