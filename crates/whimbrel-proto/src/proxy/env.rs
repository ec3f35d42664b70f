//! The proxy that the environment names for an origin, by the rules of curl (`http_proxy`, `HTTPS_PROXY`, `ALL_PROXY`,
//! `NO_PROXY`). Reads the environment only through the function it is given, once.

use std::fmt;

use super::{NoProxy, ProxyUri};
use crate::error::Result;
use crate::target::{Origin, Scheme};

/// A snapshot of the environment's proxy variables.
#[derive(Clone, Default)]
pub struct ProxyEnv {
    http: Option<Variable>,
    https: Option<Variable>,
    all: Option<Variable>,
    no_proxy: NoProxy,
}

/// A variable's value; a URL that can't be used is an error only for the requests that it is meant for.
#[derive(Clone)]
struct Variable {
    text: Box<str>,
    proxy: Option<ProxyUri>,
}

impl ProxyEnv {
    /// Takes the variables from `var`, which gives a variable's value by its name. An empty value is none.
    ///
    /// Lower-case names win over upper-case ones. `HTTP_PROXY` is never used: in a CGI program it holds the request's
    /// `Proxy` field (CVE-2016-5385). For the same reason, where names are compared without case, `http_proxy` is left
    /// out as soon as `REQUEST_METHOD` is set.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Self {
        let var = |name: &str| var(name).filter(|value| !value.is_empty());
        let either = |lower: &str, upper: &str| var(lower).or_else(|| var(upper));
        let http = var("http_proxy").filter(|value| {
            let is_cgi = var("REQUEST_METHOD").is_some();
            !(is_cgi && var("HTTP_PROXY").as_ref() == Some(value))
        });
        Self {
            http: http.map(Variable::new),
            https: either("https_proxy", "HTTPS_PROXY").map(Variable::new),
            all: either("all_proxy", "ALL_PROXY").map(Variable::new),
            no_proxy: NoProxy::parse(&either("no_proxy", "NO_PROXY").unwrap_or_default()),
        }
    }

    /// The proxy for requests to `origin`, if there is one.
    ///
    /// # Errors
    /// As [`ProxyUri::parse`], if the variable that applies holds a URL that can't be used.
    pub fn choose(&self, origin: &Origin) -> Result<Option<ProxyUri>> {
        let variable = match origin.scheme {
            Scheme::Http => &self.http,
            Scheme::Https => &self.https,
        };
        let Some(variable) = variable.as_ref().or(self.all.as_ref()) else { return Ok(None) };
        if self.bypasses(origin) {
            return Ok(None);
        }
        match &variable.proxy {
            Some(proxy) => Ok(Some(proxy.clone())),
            None => ProxyUri::parse(&variable.text).map(Some),
        }
    }

    /// Whether `NO_PROXY` names the origin's host. Unlike in curl, it says nothing about a proxy that the caller gives.
    pub fn bypasses(&self, origin: &Origin) -> bool {
        self.no_proxy.matches(&origin.host)
    }
}

impl Variable {
    fn new(text: String) -> Self {
        Self { proxy: ProxyUri::parse(&text).ok(), text: text.into() }
    }
}

impl fmt::Debug for ProxyEnv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |variable: &Option<Variable>| {
            let shown = |variable: &Variable| variable.proxy.as_ref().map_or("unusable".into(), ProxyUri::to_string);
            variable.as_ref().map(shown)
        };
        f.debug_struct("ProxyEnv")
            .field("http", &shown(&self.http))
            .field("https", &shown(&self.https))
            .field("all", &shown(&self.all))
            .field("no_proxy", &self.no_proxy)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::target::Target;

    fn env(vars: &[(&str, &str)]) -> ProxyEnv {
        ProxyEnv::from_vars(|name| vars.iter().find(|var| var.0 == name).map(|var| var.1.to_owned()))
    }

    fn origin(url: &str) -> std::sync::Arc<Origin> {
        Target::parse(url).unwrap().origin().clone()
    }

    /// threats row 14
    #[test]
    fn the_variable_that_applies_is_curls() {
        type Variables<'a> = &'a [(&'a str, &'a str)];
        let cases: &[(Variables<'_>, &str, &str)] = &[
            (&[], "", ""),
            (&[("http_proxy", "p")], "p", ""),
            (&[("HTTP_PROXY", "p")], "", ""),
            (&[("https_proxy", "p")], "", "p"),
            (&[("HTTPS_PROXY", "p")], "", "p"),
            (&[("https_proxy", "l"), ("HTTPS_PROXY", "u")], "", "l"),
            (&[("https_proxy", ""), ("HTTPS_PROXY", "u")], "", "u"),
            (&[("ALL_PROXY", "u")], "u", "u"),
            (&[("all_proxy", "l"), ("ALL_PROXY", "u")], "l", "l"),
            (&[("all_proxy", "a"), ("http_proxy", "h"), ("HTTPS_PROXY", "s")], "h", "s"),
            (&[("all_proxy", "a"), ("http_proxy", "")], "a", "a"),
            (&[("all_proxy", "a"), ("no_proxy", "a.test")], "", ""),
            (&[("all_proxy", "a"), ("NO_PROXY", "a.test")], "", ""),
            (&[("all_proxy", "a"), ("no_proxy", "b.test"), ("NO_PROXY", "a.test")], "a", "a"),
            (&[("all_proxy", "a"), ("no_proxy", ""), ("NO_PROXY", "a.test")], "", ""),
            (&[("all_proxy", "u:pw@a"), ("no_proxy", "*")], "", ""),
        ];
        for (vars, http, https) in cases {
            let env = env(vars);
            for (url, expected) in [("http://a.test", http), ("https://a.test", https)] {
                let chosen = env.choose(&origin(url)).unwrap();
                let expected = (!expected.is_empty()).then(|| format!("http://{expected}:1080"));
                assert_eq!(chosen.map(|proxy| proxy.to_string()), expected, "{vars:?} {url}");
            }
        }
    }

    /// threats row 14: on systems whose variables have no case, `http_proxy` and `HTTP_PROXY` are one.
    #[test]
    fn a_cgi_requests_proxy_field_is_never_the_proxy() {
        let one = [("http_proxy", "evil"), ("HTTP_PROXY", "evil"), ("REQUEST_METHOD", "GET")];
        assert_eq!(env(&one).choose(&origin("http://a.test")).unwrap(), None);
        assert!(env(&one[..2]).choose(&origin("http://a.test")).unwrap().is_some());
        let two = [("http_proxy", "good"), ("HTTP_PROXY", "evil"), ("REQUEST_METHOD", "GET")];
        let chosen = env(&two).choose(&origin("http://a.test")).unwrap().unwrap();
        assert_eq!(chosen.to_string(), "http://good:1080");
    }

    #[test]
    fn an_unusable_variable_is_an_error_for_the_requests_it_is_meant_for() {
        let env = env(&[("http_proxy", "gopher://u:hunter2@p"), ("no_proxy", "b.test")]);
        let error = env.choose(&origin("http://a.test")).unwrap_err();
        assert_eq!(error.kind(), Kind::Scheme);
        assert_eq!(env.choose(&origin("https://a.test")).unwrap(), None);
        assert_eq!(env.choose(&origin("http://b.test")).unwrap(), None);
        assert!(!format!("{env:?} {error:?}").contains("hunter2"));
    }
}
