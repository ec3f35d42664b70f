//! What the requests of one client share, and nobody else: connections, TLS configurations with their tickets, names'
//! resolver, defaults.

use std::sync::Arc;

use whimbrel_proto::Fields;
use whimbrel_proto::exchange::spec::{ProxyPolicy, Timeouts};

use crate::overrides::Overrides;
use crate::pool::{Pool, PoolLimits};
use crate::resolve::Resolver;
use crate::targets::Targets;
use crate::tls::{TlsConfigs, TlsProfile};

pub(crate) struct Session {
    pub(crate) pool: Pool,
    pub(crate) tls: TlsConfigs,
    pub(crate) targets: Targets,
    pub(crate) defaults: Defaults,
    resolver: Option<Arc<Resolver>>,
}

/// What a request starts from.
#[derive(Clone)]
pub(crate) struct Defaults {
    pub(crate) user_agent: Arc<str>,
    pub(crate) fields: Fields,
    pub(crate) timeouts: Timeouts,
    pub(crate) proxy: ProxyPolicy,
    pub(crate) tls: TlsProfile,
    pub(crate) overrides: Overrides,
}

impl Session {
    pub(crate) fn new(defaults: Defaults, limits: PoolLimits, resolver: Option<Arc<Resolver>>) -> Self {
        Self { pool: Pool::new(limits), tls: TlsConfigs::default(), targets: Targets::default(), defaults, resolver }
    }

    /// The session's own resolver, or the process's.
    pub(crate) fn resolver(&self) -> Arc<Resolver> {
        self.resolver.clone().unwrap_or_else(Resolver::system)
    }
}
