//! A DNS server that answers as it is told.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use hickory_resolver::proto::op::{Message, MessageType, Query, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, CNAME, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// What fits into a UDP answer here.
const UDP_BYTES_MAX: usize = 512;

#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// So many addresses, which hold for so many seconds.
    Addresses(u32, u32),
    /// Another name, and so many addresses of it.
    Alias(&'static str, u32, u32),
    /// Priority, weight, port and target of each.
    Services(Vec<(u16, u16, u16, &'static str)>),
    NoSuchName,
    /// The name is there, without a record.
    Nothing,
    ServerFailure,
    Silence,
    WrongId,
    Garbage,
}

type Answer = Arc<dyn Fn(&str) -> Reply + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Server {
    address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let (udp, tcp) = sockets().await;
        let server = Self {
            address: tcp.local_addr().unwrap(),
            answer: Arc::new(Mutex::new(Arc::new(answer))),
        };
        tokio::spawn(server.clone().serve_udp(udp));
        tokio::spawn(server.clone().serve_tcp(tcp));
        server
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn answers(&self, answer: impl Fn(&str) -> Reply + Send + Sync + 'static) {
        *self.answer.lock().unwrap() = Arc::new(answer);
    }

    async fn serve_udp(self, socket: UdpSocket) {
        let mut bytes = [0; 4096];
        while let Ok((count, from)) = socket.recv_from(&mut bytes).await {
            let Some(mut answer) = self.answer(&bytes[..count]) else {
                continue;
            };
            if answer.len() > UDP_BYTES_MAX {
                let mut message = Message::from_vec(&answer).unwrap();
                message.answers.clear();
                message.metadata.truncation = true;
                answer = message.to_vec().unwrap();
            }
            let _ = socket.send_to(&answer, from).await;
        }
    }

    async fn serve_tcp(self, listener: TcpListener) {
        while let Ok((mut stream, _)) = listener.accept().await {
            let server = self.clone();
            tokio::spawn(async move {
                while let Ok(length) = stream.read_u16().await {
                    let mut question = vec![0; length.into()];
                    if stream.read_exact(&mut question).await.is_err() {
                        return;
                    }
                    let Some(answer) = server.answer(&question) else {
                        continue;
                    };
                    let _ = stream.write_u16(u16::try_from(answer.len()).unwrap()).await;
                    let _ = stream.write_all(&answer).await;
                }
            });
        }
    }

    fn answer(&self, question: &[u8]) -> Option<Vec<u8>> {
        let question = Message::from_vec(question).unwrap();
        let query = question.queries[0].clone();
        let mut message = Message::response(question.metadata.id, question.metadata.op_code);
        message.metadata.message_type = MessageType::Response;
        message.metadata.recursion_available = true;
        message.add_query(query.clone());
        let reply = (self.answer.lock().unwrap().clone())(&query.name().to_utf8().to_lowercase());
        match reply {
            Reply::Silence => return None,
            Reply::Garbage => return Some(b"not DNS".to_vec()),
            Reply::WrongId => message.metadata.id = message.metadata.id.wrapping_add(1),
            Reply::NoSuchName => message.metadata.response_code = ResponseCode::NXDomain,
            Reply::ServerFailure => message.metadata.response_code = ResponseCode::ServFail,
            Reply::Nothing => {}
            Reply::Addresses(count, ttl) => add_addresses(&mut message, &query, query.name().clone(), count, ttl),
            Reply::Alias(other, count, ttl) => {
                let other = Name::from_str(other).unwrap();
                let alias = RData::CNAME(CNAME(other.clone()));
                message.add_answer(Record::from_rdata(query.name().clone(), ttl, alias));
                add_addresses(&mut message, &query, other, count, ttl);
            }
            Reply::Services(services) => {
                for (priority, weight, port, target) in services {
                    let srv = SRV::new(priority, weight, port, Name::from_str(target).unwrap());
                    message.add_answer(Record::from_rdata(query.name().clone(), 60, RData::SRV(srv)));
                }
            }
        }
        Some(message.to_vec().unwrap())
    }
}

fn add_addresses(message: &mut Message, query: &Query, name: Name, count: u32, ttl: u32) {
    if query.query_type() != RecordType::A {
        return;
    }
    for number in 0..count {
        let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 0)) + number);
        message.add_answer(Record::from_rdata(name.clone(), ttl, RData::A(A(address))));
    }
}

/// The same port for both.
async fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
            return (udp, tcp);
        }
    }
}
