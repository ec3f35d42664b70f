//! The polled class against servers that others wrote: nginx plain and over TLS, squid for both kinds of proxy.
