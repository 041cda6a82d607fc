//! The ports, and what is served on them.
//!
//! The API has the port it is given; the others follow it where they are free, so that links and settings of an
//! earlier run mostly stay right.

use std::{future::Future, io, net::SocketAddr};

use axum::Router;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

/// A port that is taken, and not yet served.
pub struct Port {
    listener: TcpListener,
    address: SocketAddr,
}

/// The ports of everything.
pub struct Servers {
    /// The API; `None` where other processes serve it.
    pub api: Option<Port>,
    /// The providers' stand-ins.
    pub sandbox: Port,
    /// DynamoDB.
    pub dynamodb: Port,
    /// S3.
    pub s3: Port,
    /// Secrets Manager.
    pub secrets: Port,
    /// Amazon SES.
    pub mail: Port,
    /// Lambda; `None` where other processes serve the functions.
    pub lambda: Option<Port>,
    /// Base URL of the API.
    pub api_url: String,
}

impl Port {
    async fn bind(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The preferred port, or any.
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

    /// The socket, to be served by somebody else.
    #[must_use]
    pub fn into_listener(self) -> TcpListener {
        self.listener
    }
}

impl Servers {
    /// The ports that were taken.
    #[must_use]
    pub fn ports(&self) -> Vec<u16> {
        let always = [&self.sandbox, &self.dynamodb, &self.s3, &self.secrets, &self.mail];
        let all = always.into_iter().chain(&self.api).chain(&self.lambda);
        all.map(|port| port.address.port()).collect()
    }

    /// Takes all ports. Without `functions` the API's is left to whoever serves them.
    ///
    /// # Errors
    /// `port` is in use, or no port is to be had.
    pub async fn bind(port: u16, functions: bool) -> io::Result<Self> {
        let taken = Port::bind(port).await?;
        // Let go of where others serve the functions: it was only to be seen whether somebody else is there.
        let api = functions.then_some(taken);
        // 9000 is also where cargo-lambda serves if nothing else is said.
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
    /// The other end and this one. Dropping the other end also says stop.
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

/// Serves `router` on `port` until told to stop; requests under way are finished.
pub fn serve(tasks: &mut JoinSet<()>, port: Port, router: Router, stop: &Stop) {
    let stop = stop.wait();
    tasks.spawn(async move {
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        if let Err(error) = axum::serve(port.into_listener(), service).with_graceful_shutdown(stop).await {
            tracing::error!(%error, "a local server ended");
        }
    });
}
