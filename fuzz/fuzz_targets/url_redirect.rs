//! Any bytes as a URL and as the `Location` of a redirect from it: whatever is taken can't split a request, names a
//! host, and means the same when it is read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use whimbrel_proto::Target;
use whimbrel_proto::h1::encode_head;
use whimbrel_proto::{Fields, Host};

fuzz_target!(|input: &[u8]| {
    // The first line is the URL, the rest the Location.
    let mut parts = input.splitn(2, |&byte| byte == b'\n');
    let (url, location) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if let Some(target) = std::str::from_utf8(url).ok().and_then(|url| Target::parse(url).ok()) {
        check(&target);
        if let Ok(next) = target.join(location) {
            check(&next);
        }
    }
    let base = Target::parse("https://a.test/dir/page?query").expect("a plain URL");
    if let Ok(next) = base.join(location) {
        check(&next);
    }
});

fn check(target: &Target) {
    let origin = target.origin();
    assert!(origin.port != 0);
    if let Host::Domain(name) = &origin.host {
        assert!(!name.is_empty());
    }
    assert!(target.as_str().bytes().all(|byte| byte.is_ascii_graphic()), "{:?}", target.as_str());
    assert!(target.origin_form().starts_with('/'));
    assert!(!target.authority().is_empty() && !target.authority().contains(['@', '/', '?', '#', '\\']));
    assert!(!target.as_str().contains('#'));

    let mut fields = Fields::new();
    fields.append("Host", target.authority()).expect("an authority is a field value");
    let mut head = Vec::new();
    encode_head(&mut head, "GET", target.origin_form(), &fields).expect("an origin-form is a request target");
    assert_eq!(head.iter().filter(|&&byte| byte == b'\n').count(), 3);

    let again = Target::parse(target.as_str()).expect("what was parsed parses again");
    assert_eq!((again.as_str(), again.origin()), (target.as_str(), target.origin()));
    assert!(again.credentials().is_none());
}
