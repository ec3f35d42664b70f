//! The options out of a Dictionary. It checks types and units; what is a value's meaning for HTTP is the engine's to
//! judge.

use std::time::Duration;

use godot::classes::{CryptoKey, Json, TlsOptions, X509Certificate};
use godot::prelude::*;
use whimbrel::{Error, Result, Retry};

use super::words::{KNOWN, of_type, type_name, unknown};
use super::{Authorization, Content, Header, Options};

/// The names of Godot's `HTTPClient.Method`, by number.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH"];

impl Options {
    /// Reads options on top of those that were read before.
    ///
    /// # Errors
    /// The first mistake.
    pub(in crate::http) fn read(&mut self, options: &AnyDictionary) -> Result<()> {
        let mut bodies = Vec::new();
        for (key, value) in options.iter_shared() {
            let Ok(name) = key.try_to_relaxed::<GString>() else {
                return Err(Error::input(format!(
                    "the name of an option must be a String, and is {}",
                    type_name(&key)
                )));
            };
            let name = name.to_string();
            // `null` says nothing, so that a script can pass on what it may not have. But JSON has it.
            if value.is_nil() && name != "json" && KNOWN.iter().any(|(known, _)| *known == name) {
                continue;
            }
            if self.read_message(&name, &value, &mut bodies)? || self.read_way(&name, &value)? {
                continue;
            }
            return Err(unknown(&name));
        }
        match bodies.as_slice() {
            [one, other, ..] => {
                Err(Error::input(format!("options '{one}' and '{other}' exclude each other; leave one of them out")))
            }
            _ => Ok(()),
        }
    }

    /// What is sent, and what becomes of the answer. `false`: the option is none of these.
    fn read_message(&mut self, name: &str, value: &Variant, bodies: &mut Vec<String>) -> Result<bool> {
        let content = match name {
            "body" => Some(content(value)?),
            "json" => Some(Content::Json(Json::stringify_ex(value).sort_keys(false).done().to_string())),
            "form" => Some(Content::Form(pairs(name, value)?)),
            "body_file" => Some(Content::File(text(name, value)?)),
            _ => None,
        };
        if let Some(content) = content {
            bodies.push(name.to_owned());
            self.body = Some(content);
            return Ok(true);
        }
        match name {
            "method" => self.method = Some(method(value)?),
            "headers" => self.put_headers(headers(value)?),
            "query" => self.query.extend(pairs(name, value)?),
            "user_agent" => self.user_agent = Some(text(name, value)?),
            "basic_auth" => self.authorization = Some(basic_auth(value)?),
            "bearer_token" => self.authorization = Some(Authorization::Bearer(text(name, value)?)),
            "cookies" => self.cookies = Some(truth(name, value)?),
            "decompress" => self.decompress = Some(truth(name, value)?),
            "download_file" => self.download_file = Some(text(name, value)?),
            "any_status" => self.any_status = truth(name, value)?,
            "stream" => self.stream = truth(name, value)?,
            "max_body" => self.max_body = Some(Some(whole(name, value)?).filter(|limit| *limit > 0)),
            "progress" => self.progress = Some(value.try_to().map_err(|_| of_type(name, value))?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// How it gets there. `false`: the option is none of these.
    fn read_way(&mut self, name: &str, value: &Variant) -> Result<bool> {
        match name {
            "timeout" => self.timeout = Some(seconds(name, value)?),
            "connect_timeout" => self.connect_timeout = Some(seconds(name, value)?),
            "idle_timeout" => self.idle_timeout = Some(seconds(name, value)?),
            "max_redirects" => self.max_redirects = Some(u32::try_from(whole(name, value)?).unwrap_or(u32::MAX)),
            "allow_downgrade" => self.allow_downgrade = Some(truth(name, value)?),
            "retry" => self.retry = Some(retry(value)?),
            "priority" => {
                let priority: i64 = value.try_to_relaxed().map_err(|_| of_type(name, value))?;
                self.priority = i8::try_from(priority).map_err(|_| {
                    Error::input(format!("option 'priority' must be from -128 to 127, and is {priority}"))
                })?;
            }
            "max_rate" => self.max_rate = whole(name, value)?,
            "proxy" => self.proxy = Some(text(name, value)?),
            "resolve" => self.resolve.extend(pairs(name, value)?),
            _ => return self.read_tls(name, value),
        }
        Ok(true)
    }

    fn read_tls(&mut self, name: &str, value: &Variant) -> Result<bool> {
        let wrong = |_| of_type(name, value);
        match name {
            "tls" => self.tls.options = value.try_to::<Option<Gd<TlsOptions>>>().map_err(wrong)?,
            "pinned_keys" => self.tls.extras.pinned_keys = texts(name, value)?,
            "revocation_list" => self.tls.extras.revocation_list = text(name, value)?,
            "client_certificate" => {
                self.tls.certificate = value.try_to::<Option<Gd<X509Certificate>>>().map_err(wrong)?
            }
            "client_key" => self.tls.key = value.try_to::<Option<Gd<CryptoKey>>>().map_err(wrong)?,
            "min_tls_version" => match value.try_to::<i64>() {
                Ok(0) => self.tls.extras.tls_1_3_only = false,
                Ok(1) => self.tls.extras.tls_1_3_only = true,
                _ => return Err(of_type(name, value)),
            },
            _ => return Ok(false),
        }
        self.tls.is_given = true;
        Ok(true)
    }
}

fn text(name: &str, value: &Variant) -> Result<String> {
    let text: GString = value.try_to_relaxed().map_err(|_| of_type(name, value))?;
    Ok(text.to_string())
}

fn truth(name: &str, value: &Variant) -> Result<bool> {
    value.try_to().map_err(|_| of_type(name, value))
}

/// A number that is whole and not negative.
fn whole(name: &str, value: &Variant) -> Result<u64> {
    match value.get_type() {
        VariantType::INT => u64::try_from(value.to::<i64>()).map_err(|_| of_type(name, value)),
        // `1e6` is a float in GDScript.
        VariantType::FLOAT if value.to::<f64>() >= 0.0 => Ok(value.to::<f64>() as u64),
        _ => Err(of_type(name, value)),
    }
}

/// A number of seconds as a limit; 0 and infinity are none.
fn seconds(name: &str, value: &Variant) -> Result<Option<Duration>> {
    /// More than any clock holds.
    const LONGEST: f64 = 1e9;
    let seconds = match value.get_type() {
        VariantType::INT => value.to::<i64>() as f64,
        VariantType::FLOAT => value.to::<f64>(),
        _ => return Err(of_type(name, value)),
    };
    if seconds.is_nan() || seconds < 0.0 {
        return Err(Error::input(format!("option '{name}' must be a number of seconds, 0 for none, and is {seconds}")));
    }
    Ok((seconds > 0.0 && seconds.is_finite()).then(|| Duration::from_secs_f64(seconds.min(LONGEST))))
}

fn method(value: &Variant) -> Result<String> {
    if value.get_type() == VariantType::INT {
        let number = usize::try_from(value.to::<i64>()).ok();
        return match number.and_then(|number| METHODS.get(number)) {
            Some(method) => Ok((*method).to_owned()),
            None => Err(of_type("method", value)),
        };
    }
    text("method", value)
}

fn content(value: &Variant) -> Result<Content> {
    match value.get_type() {
        VariantType::PACKED_BYTE_ARRAY => Ok(Content::Bytes(value.to::<PackedByteArray>().to_vec())),
        _ => Ok(Content::Bytes(text("body", value)?.into_bytes())),
    }
}

fn basic_auth(value: &Variant) -> Result<Authorization> {
    match texts("basic_auth", value)?.as_slice() {
        [user, password] => Ok(Authorization::Basic(user.clone(), password.clone())),
        _ => Err(Error::input(
            "option 'basic_auth' must be an Array of user name and password: [\"user\", \"password\"]",
        )),
    }
}

fn retry(value: &Variant) -> Result<Retry> {
    let count = |value: &Variant| Ok::<_, Error>(u32::try_from(whole("retry", value)?).unwrap_or(u32::MAX));
    let Ok(options) = value.try_to::<AnyDictionary>() else { return Ok(Retry::new(count(value)?)) };
    let mut retry = Retry::new(3);
    for (key, value) in options.iter_shared() {
        let wait = || Ok::<_, Error>(seconds("retry", &value)?.unwrap_or_default());
        match key.to_string().as_str() {
            "max" => retry.max = count(&value)?,
            "wait" => retry = retry.first_wait(wait()?),
            "max_wait" => retry = retry.max_wait(wait()?),
            "statuses" => retry = retry.statuses(truth("retry", &value)?),
            other => {
                let shown: String = other.chars().take(60).flat_map(char::escape_debug).collect();
                let known = "max, wait, max_wait and statuses";
                return Err(Error::input(format!("option 'retry' has no '{shown}'; it may have {known}")));
            }
        }
    }
    Ok(retry)
}

/// Header fields: a Dictionary, where null and "" leave a field out and an Array repeats it, or lines.
fn headers(value: &Variant) -> Result<Vec<Header>> {
    if let Ok(fields) = value.try_to::<AnyDictionary>() {
        let mut headers = Vec::new();
        for (name, value) in fields.iter_shared() {
            let Some(name) = plain(&name) else { return Err(of_type("headers", &name)) };
            for value in each(&value) {
                let value = match value.get_type() {
                    VariantType::NIL => None,
                    _ => Some(plain(&value).ok_or_else(|| wrong_value("headers", &name, &value))?),
                };
                headers.push(Header { name: name.clone(), value: value.filter(|value| !value.is_empty()) });
            }
        }
        return Ok(headers);
    }
    let lines = texts("headers", value)?.into_iter().map(|line| match line.split_once(':') {
        Some((name, value)) => {
            let value = value.trim().to_owned();
            Ok(Header { name: name.trim().to_owned(), value: Some(value).filter(|value| !value.is_empty()) })
        }
        None => Err(Error::input("option 'headers' has a line without a colon; write \"Name: value\"")),
    });
    lines.collect()
}

/// Names and values, where an Array gives its name several values and null leaves it out.
fn pairs(option: &str, value: &Variant) -> Result<Vec<(String, String)>> {
    let fields: AnyDictionary = value.try_to().map_err(|_| of_type(option, value))?;
    let mut pairs = Vec::new();
    for (name, value) in fields.iter_shared() {
        let Some(name) = plain(&name) else { return Err(of_type(option, &name)) };
        for value in each(&value) {
            if !value.is_nil() {
                pairs.push((name.clone(), plain(&value).ok_or_else(|| wrong_value(option, &name, &value))?));
            }
        }
    }
    Ok(pairs)
}

/// The elements of an array; any other value is its only one.
fn each(value: &Variant) -> Vec<Variant> {
    match value.get_type() {
        VariantType::ARRAY => value.to::<AnyArray>().iter_shared().collect(),
        VariantType::PACKED_STRING_ARRAY => {
            value.to::<PackedStringArray>().as_slice().iter().map(ToGodot::to_variant).collect()
        }
        _ => vec![value.clone()],
    }
}

/// A list of texts.
fn texts(option: &str, value: &Variant) -> Result<Vec<String>> {
    if !matches!(value.get_type(), VariantType::ARRAY | VariantType::PACKED_STRING_ARRAY) {
        return Err(of_type(option, value));
    }
    each(value).iter().map(|value| plain(value).ok_or_else(|| of_type(option, value))).collect()
}

/// What has one obvious text: no object's `_to_string` is ever called.
fn plain(value: &Variant) -> Option<String> {
    match value.get_type() {
        VariantType::STRING | VariantType::STRING_NAME | VariantType::INT | VariantType::FLOAT | VariantType::BOOL => {
            Some(value.to_string())
        }
        _ => None,
    }
}

fn wrong_value(option: &str, name: &str, value: &Variant) -> Error {
    let shown: String = name.chars().take(60).flat_map(char::escape_debug).collect();
    Error::input(format!(
        "'{shown}' in option '{option}' must be a String, a number or a bool, and is {}",
        type_name(value)
    ))
}
