//! An SSM on loopback, and beside it the address where Amazon ECS gives a task its credentials.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// What is wrong with the next answers, in order.
#[derive(Clone, Copy)]
pub enum Fault {
    Throttled,
    Denied,
    HangUp,
}

#[derive(Default)]
struct State {
    parameters: BTreeMap<String, String>,
    faults: VecDeque<Fault>,
    batches: Vec<usize>,
}

/// The server. It ends with the test's process.
#[derive(Clone)]
pub struct Ssm {
    state: Arc<Mutex<State>>,
    pub url: String,
}

impl Ssm {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let ssm = Self { state: Arc::default(), url };
        let state = ssm.state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let state = state.clone();
                std::thread::spawn(move || serve(&stream.expect("a connection"), &state));
            }
        });
        ssm
    }

    pub fn put(&self, name: &str, value: &str) {
        self.state.lock().expect("state").parameters.insert(name.to_owned(), value.to_owned());
    }

    pub fn remove(&self, name: &str) {
        self.state.lock().expect("state").parameters.remove(name);
    }

    pub fn faults(&self, faults: &[Fault]) {
        self.state.lock().expect("state").faults.extend(faults);
    }

    /// How many names each call had.
    pub fn batches(&self) -> Vec<usize> {
        self.state.lock().expect("state").batches.clone()
    }
}

struct Asked {
    line: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

fn serve(stream: &TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader) {
        let Some((status, body)) = answer(&asked, state) else { return };
        let head = format!(
            "HTTP/1.1 {status} -\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut writer = stream;
        if writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(body.as_bytes())).is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let line = lines.remove(0);
    let headers: BTreeMap<_, _> = lines
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { line, headers, body })
}

/// Refuses what AWS would refuse; nothing at all is the answer of a connection that is cut.
fn answer(asked: &Asked, state: &Mutex<State>) -> Option<(u16, String)> {
    let header = |name: &str| asked.headers.get(name).map(String::as_str).unwrap_or_default();
    if asked.line == "GET /credentials HTTP/1.1" {
        if header("authorization") != "task-token" {
            return Some((401, "{}".to_owned()));
        }
        let credentials = json!({"AccessKeyId": "AKIDTASK", "SecretAccessKey": "never-shown", "Token": "session"});
        return Some((200, credentials.to_string()));
    }
    let authorization = header("authorization");
    let signed = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target";
    let right = asked.line == "POST / HTTP/1.1"
        && header("x-amz-target") == "AmazonSSM.GetParameters"
        && header("content-type") == "application/x-amz-json-1.1"
        && header("x-amz-security-token") == "session"
        && authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDTASK/")
        && authorization.contains("/eu-west-2/ssm/aws4_request")
        && authorization.contains(&format!("SignedHeaders={signed}, Signature="));
    let refused = |kind: &str| Some((400, json!({"__type": kind, "message": "said by the fake"}).to_string()));
    if !right {
        return refused("InvalidSignatureException");
    }
    let mut state = state.lock().expect("state");
    match state.faults.pop_front() {
        Some(Fault::Throttled) => return refused("ThrottlingException"),
        Some(Fault::Denied) => return refused("AccessDeniedException"),
        Some(Fault::HangUp) => return None,
        None => {}
    }
    let call: Value = serde_json::from_slice(&asked.body).expect("JSON");
    let names: Vec<&str> =
        call["Names"].as_array().expect("names").iter().map(|name| name.as_str().expect("a name")).collect();
    if names.is_empty() || names.len() > 10 || call["WithDecryption"] != json!(false) {
        return refused("ValidationException");
    }
    state.batches.push(names.len());
    let (found, missing): (Vec<&str>, Vec<&str>) =
        names.into_iter().partition(|name| state.parameters.contains_key(*name));
    let found: Vec<Value> = found
        .into_iter()
        .map(|name| json!({"Name": name, "Value": state.parameters[name], "Type": "String", "Version": 1}))
        .collect();
    Some((200, json!({"Parameters": found, "InvalidParameters": missing}).to_string()))
}
