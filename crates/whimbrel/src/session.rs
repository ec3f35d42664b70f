//! What the requests of one client share, and nobody else: connections, TLS configurations with their tickets, names'
//! resolver, defaults.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use whimbrel_proto::Fields;
use whimbrel_proto::admission::Limits;
use whimbrel_proto::exchange::spec::{ProxyPolicy, Timeouts};
use whimbrel_proto::pace::Pace;

use crate::cookies::CookieJar;
use crate::overrides::Overrides;
use crate::pool::{Pool, PoolLimits};
use crate::resolve::Resolver;
use crate::targets::Targets;
use crate::tls::{TlsConfigs, TlsOptions};

pub(crate) struct Session {
    pub(crate) pool: Pool,
    pub(crate) tls: TlsConfigs,
    pub(crate) targets: Targets,
    pub(crate) defaults: Defaults,
    pub(crate) cookies: CookieJar,
    /// How many transfers of the I/O thread have a connection at once.
    transfer_limits: Mutex<Limits>,
    /// How many bytes of body they move a second in all.
    pub(crate) max_rate: Option<u64>,
    /// How far that is used up, while no transfer is under way.
    pace: Mutex<Option<Pace>>,
    is_suspended: AtomicBool,
    resolver: Option<Arc<Resolver>>,
}

/// What a request starts from.
#[derive(Clone)]
pub(crate) struct Defaults {
    pub(crate) user_agent: Arc<str>,
    pub(crate) fields: Fields,
    pub(crate) timeouts: Timeouts,
    pub(crate) proxy: ProxyPolicy,
    pub(crate) tls: TlsOptions,
    pub(crate) overrides: Overrides,
    /// Whether requests use the jar.
    pub(crate) cookies: bool,
}

impl Session {
    pub(crate) fn new(
        defaults: Defaults,
        cookies: CookieJar,
        limits: PoolLimits,
        transfer_limits: Limits,
        max_rate: Option<u64>,
        resolver: Option<Arc<Resolver>>,
    ) -> Self {
        Self {
            pool: Pool::new(limits),
            tls: TlsConfigs::default(),
            targets: Targets::default(),
            defaults,
            cookies,
            transfer_limits: Mutex::new(transfer_limits),
            max_rate,
            pace: Mutex::default(),
            is_suspended: AtomicBool::new(false),
            resolver,
        }
    }

    pub(crate) fn transfer_limits(&self) -> Limits {
        *self.transfer_limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_transfer_limits(&self, limits: Limits) {
        *self.transfer_limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// What [`Session::keep_pace`] kept.
    pub(crate) fn take_pace(&self) -> Option<Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The next transfer goes on with the limit as it is: a row of small ones must not each have a fresh one.
    pub(crate) fn keep_pace(&self, pace: Option<Pace>) {
        *self.pace.lock().unwrap_or_else(PoisonError::into_inner) = pace;
    }

    /// Says whether transfers stand still. True if that is news.
    pub(crate) fn set_suspended(&self, suspended: bool) -> bool {
        self.is_suspended.swap(suspended, Ordering::AcqRel) != suspended
    }

    pub(crate) fn is_suspended(&self) -> bool {
        self.is_suspended.load(Ordering::Acquire)
    }

    /// The session's own resolver, or the process's.
    pub(crate) fn resolver(&self) -> Arc<Resolver> {
        self.resolver.clone().unwrap_or_else(Resolver::system)
    }
}
