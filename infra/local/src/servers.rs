//! The ports, and what is served on them.
//!
//! The API has the port that the user chose. The others take the ports after it where these are free, so that links and
//! settings of an earlier run usually stay valid.

use std::{future::Future, io, net::SocketAddr, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

/// A port that is bound but not served yet.
pub struct Port {
    listener: TcpListener,
    address: SocketAddr,
}

pub struct Servers {
    /// The API; `None` where other processes serve it.
    pub api: Option<Port>,
    /// The stand-ins for the providers.
    pub sandbox: Port,
    pub dynamodb: Port,
    pub s3: Port,
    pub secrets: Port,
    pub mail: Port,
    /// Lambda; `None` where other processes serve the functions.
    pub lambda: Option<Port>,
    pub api_url: String,
}

impl Port {
    async fn bind(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Binds the preferred port, or any other if it is in use.
    async fn bind_near(port: u16, offset: u16) -> io::Result<Self> {
        match port.checked_add(offset).filter(|_| port != 0) {
            Some(preferred) => match Self::bind(preferred).await {
                Ok(port) => Ok(port),
                Err(_) => Self::bind(0).await,
            },
            None => Self::bind(0).await,
        }
    }

    /// Its URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The socket, for another server than [`Tasks::serve`].
    #[must_use]
    pub fn into_listener(self) -> TcpListener {
        self.listener
    }
}

impl Servers {
    #[must_use]
    pub fn ports(&self) -> Vec<u16> {
        let always = [&self.sandbox, &self.dynamodb, &self.s3, &self.secrets, &self.mail];
        let all = always.into_iter().chain(&self.api).chain(&self.lambda);
        all.map(|port| port.address.port()).collect()
    }

    /// Binds all ports. Without `functions`, the API's port stays free for the process that serves the functions.
    ///
    /// # Errors
    /// `port` is in use, or no port is free.
    pub async fn bind(port: u16, functions: bool) -> io::Result<Self> {
        let bound = Port::bind(port).await?;
        // Without functions it was bound only to find out whether it is in use.
        let api = functions.then_some(bound);
        // 9000 is also cargo-lambda's default.
        let outside = format!("http://127.0.0.1:{}", if port == 0 { 9000 } else { port });
        Ok(Self {
            api_url: api.as_ref().map_or(outside, Port::url),
            api,
            sandbox: Port::bind_near(port, 1).await?,
            dynamodb: Port::bind_near(port, 2).await?,
            s3: Port::bind_near(port, 3).await?,
            secrets: Port::bind_near(port, 4).await?,
            mail: Port::bind_near(port, 5).await?,
            lambda: if functions { Some(Port::bind_near(port, 6).await?) } else { None },
        })
    }
}

/// Tells everything that runs to stop.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Sending `true`, or dropping the sender, stops everything.
    #[must_use]
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Returns once everything is to stop.
    pub fn wait(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut receiver = self.0.clone();
        async move {
            let _ = receiver.wait_for(|stop| *stop).await;
        }
    }
}

/// The tasks of a running system. Dropping them stops each at once.
pub struct Tasks {
    set: JoinSet<()>,
    stop: Stop,
}

impl Tasks {
    #[must_use]
    pub fn new(stop: Stop) -> Self {
        Self { set: JoinSet::new(), stop }
    }

    /// Returns once everything is to stop.
    pub fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        self.stop.wait()
    }

    /// Runs a task that ends by itself when told to stop.
    pub fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.set.spawn(task);
    }

    /// Runs a task until told to stop.
    pub fn spawn_until_stop(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stopped();
        self.set.spawn(async move {
            tokio::select! {
                () = stop => {}
                () = task => {}
            }
        });
    }

    /// Serves `router` on `port` until told to stop. Requests that are running then are finished.
    pub fn serve(&mut self, port: Port, router: Router) {
        let stop = self.stopped();
        self.set.spawn(async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            if let Err(error) = axum::serve(port.into_listener(), service).with_graceful_shutdown(stop).await {
                tracing::error!(%error, "a local server ended");
            }
        });
    }

    /// Waits until all tasks have ended; after `timeout` it stops them.
    pub async fn finish(mut self, timeout: Duration) {
        let all = async { while self.set.join_next().await.is_some() {} };
        if tokio::time::timeout(timeout, all).await.is_err() {
            self.set.shutdown().await;
        }
    }
}
