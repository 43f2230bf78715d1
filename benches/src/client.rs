//! A minimal HTTP/1 client. It sends one request after another over one connection.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Result;

/// A client that has a connection to a server.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects to the server at this address. Returns the connected client.
    ///
    /// # Errors
    /// Returns an error if the connection fails.
    pub async fn connect(addr: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; 16 * 1024],
        })
    }

    /// Sends a GET request, reads the complete answer, and returns its status code. The answer must have the header
    /// `content-length`.
    ///
    /// # Errors
    /// Returns an error if the connection ends before the answer is complete, or if the answer isn't valid.
    pub async fn get(&mut self, path: &str) -> Result<u16> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await?;
        let mut held = 0;
        let (status, mut missing) = loop {
            if held == self.buffer.len() {
                return Err("the head of an answer is too long".into());
            }
            let free = self.buffer.get_mut(held..).unwrap_or_default();
            held += some(self.stream.read(free).await?)?;
            let read = self.buffer.get(..held).unwrap_or_default();
            if let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let (status, length) = head(read.get(..end).unwrap_or_default())?;
                break (status, (end + 4 + length).saturating_sub(held));
            }
        };
        while missing > 0 {
            let until = missing.min(self.buffer.len());
            let free = self.buffer.get_mut(..until).unwrap_or_default();
            missing -= some(self.stream.read(free).await?)?;
        }
        Ok(status)
    }
}

fn some(count: usize) -> Result<usize> {
    match count {
        0 => Err("the connection ended before its answer".into()),
        count => Ok(count),
    }
}

/// Parses the status line and the headers of an answer. Returns the status code and the content length.
fn head(bytes: &[u8]) -> Result<(u16, usize)> {
    let text = std::str::from_utf8(bytes)?;
    let status = text.split(' ').nth(1).ok_or("an answer without a status")?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim())
    });
    Ok((
        status.parse()?,
        length.ok_or("an answer without a length")?.parse()?,
    ))
}
