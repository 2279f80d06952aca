//! The echo server as it is written on mio: one poll, a connection's token is its place in a table.
//!
//! mio is edge triggered and asks of its users to read until the socket would block. A chunk is read into one buffer
//! that all connections share and written straight from it; only what the kernel refuses is copied into a buffer of
//! the connection's own, and until that is written nothing more is read, so a peer that does not read is slowed down
//! by TCP.
//!
//! usage: mio-echo      prints "ready PORT PID", ends when its standard input ends

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};
use std::io::{self, ErrorKind, Read, Write};

const LISTENER: Token = Token(usize::MAX - 1);

struct Connection {
    stream: TcpStream,
    refused: Vec<u8>, // Not empty exactly while the kernel has refused bytes.
}

enum State {
    Waiting,
    Closed,
}

impl Connection {
    fn serve(&mut self, chunk: &mut [u8]) -> io::Result<State> {
        loop {
            while !self.refused.is_empty() {
                match self.stream.write(&self.refused) {
                    Ok(written) => drop(self.refused.drain(..written)),
                    Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                    Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(State::Waiting),
                    Err(e) => return Err(e),
                }
            }
            match self.stream.read(chunk) {
                Ok(0) => return Ok(State::Closed),
                Ok(length) => self.echo(&chunk[..length])?,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(State::Waiting),
                Err(e) => return Err(e),
            }
        }
    }

    fn echo(&mut self, mut reply: &[u8]) -> io::Result<()> {
        while !reply.is_empty() {
            match self.stream.write(reply) {
                Ok(written) => reply = &reply[written..],
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    self.refused.extend_from_slice(reply);
                    break;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

/// The connections by token; a place that was left is taken again.
#[derive(Default)]
struct Table {
    places: Vec<Option<Connection>>,
    free: Vec<usize>,
}

impl Table {
    fn accept_all(&mut self, listener: &TcpListener, registry: &Registry) -> io::Result<()> {
        loop {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => continue,
                Err(e) => return Err(e),
            };
            stream.set_nodelay(true)?;
            let place = self.free.pop().unwrap_or_else(|| {
                self.places.push(None);
                self.places.len() - 1
            });
            registry.register(&mut stream, Token(place), Interest::READABLE | Interest::WRITABLE)?;
            self.places[place] = Some(Connection { stream, refused: Vec::new() });
        }
    }

    fn serve(&mut self, place: usize, chunk: &mut [u8], registry: &Registry) {
        let Some(connection) = self.places[place].as_mut() else { return };
        if !matches!(connection.serve(chunk), Ok(State::Waiting)) {
            let _ = registry.deregister(&mut connection.stream);
            self.places[place] = None;
            self.free.push(place);
        }
    }
}

/// The runner holds the other end of standard input, so that no server outlives it.
fn leave_when_input_ends() {
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
}

fn main() -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(512);
    let mut listener = TcpListener::bind("127.0.0.1:0".parse().unwrap())?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    leave_when_input_ends();
    println!("ready {} {}", listener.local_addr()?.port(), std::process::id());

    let mut table = Table::default();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match poll.poll(&mut events, None) {
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        }
        for event in &events {
            match event.token() {
                LISTENER => table.accept_all(&listener, poll.registry())?,
                Token(place) => table.serve(place, &mut chunk, poll.registry()),
            }
        }
    }
}
