//! A Dictionary as a query string: which text each value is. How it is encoded is the engine's matter.

use godot::prelude::*;

/// `key=value` pairs joined by `&`; an Array repeats its key, null leaves the key bare.
pub(crate) fn query_string(fields: &AnyDictionary) -> String {
    let mut pairs: Vec<(String, Option<String>)> = Vec::with_capacity(fields.len());
    for (key, value) in fields.iter_shared() {
        let key = text(&key);
        match value.get_type() {
            VariantType::NIL => pairs.push((key, None)),
            VariantType::ARRAY => {
                let elements = value.to::<AnyArray>();
                pairs.extend(elements.iter_shared().map(|element| (key.clone(), Some(text(&element)))));
            }
            _ => pairs.push((key, Some(text(&value)))),
        }
    }
    whimbrel::query_string(pairs.iter().map(|(key, value)| (key.as_str(), value.as_deref())))
}

fn text(value: &Variant) -> String {
    value.stringify().to_string()
}
