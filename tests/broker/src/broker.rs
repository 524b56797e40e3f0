//! What a test does with its broker.

use std::{
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use crate::{certificates::Certificates, control::binary, halt::halt, node::Node};

/// How long a node that runs may be out of reach.
const CONNECT_BOUND: Duration = Duration::from_secs(20);

/// Stopped and removed when it is dropped, or when the test's process ends.
#[derive(Debug)]
pub struct Broker {
    node: Node,
    certificates: Certificates,
}

impl Broker {
    /// With the virtual host `/` and the administrator `guest`, whose password is `guest`.
    pub fn start() -> Self {
        let certificates = Certificates::make();
        let mut node = Node::prepare(&certificates);
        node.start();
        Self { node, certificates }
    }

    pub fn host(&self) -> &'static str {
        "127.0.0.1"
    }

    pub fn port(&self) -> u16 {
        self.node.port
    }

    pub fn tls_port(&self) -> u16 {
        self.node.tls_port
    }

    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port())
    }

    pub fn tls_url(&self) -> String {
        format!("amqps://guest:guest@localhost:{}/%2f", self.tls_port())
    }

    /// Of the broker, of clients that it believes, and of the authority of both.
    pub fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// In order, as for maintenance; what it holds stays.
    pub fn stop(&mut self) {
        self.node.end(Signal::SIGTERM);
    }

    /// As if three minutes had passed since the last queue was declared and since the start. RabbitMQ 3.10 writes
    /// only then for good which queues there are: killed earlier it may forget a queue with all that was confirmed.
    pub fn kill(&mut self) {
        // Not the terms of recovery, which it saves only when it is stopped in order.
        let tables = "[T || T <- dets:all(), filename:basename(dets:info(T, filename)) =:= \"names.dets\"]";
        let save = format!("mnesia:dump_log(), lists:foreach(fun dets:sync/1, {tables}), <<>>");
        // A broker that is halted can't be asked.
        let _ = self.node.control.try_evaluate(&save);
        self.node.end(Signal::SIGKILL);
    }

    /// After [`stop`](Self::stop) or [`kill`](Self::kill): on the same ports, with what it held.
    pub fn start_again(&mut self) {
        self.node.start();
    }

    /// As if it were installed anew: queues, virtual hosts and users are gone.
    pub fn wipe(&mut self) {
        self.node.end(Signal::SIGKILL);
        self.node.forget();
        self.node.start();
    }

    pub fn is_running(&self) -> bool {
        self.node.is_running()
    }

    /// Halts it: connections stay open and nothing answers.
    pub fn freeze(&self) {
        halt(self.node.pid());
    }

    pub fn thaw(&self) {
        self.node.signal(Signal::SIGCONT);
    }

    /// Raises or clears the alarm by which publishers are blocked for want of memory.
    pub fn alarm_memory(&self, on: bool) {
        self.alarm("memory", on);
    }

    /// The same for want of room on the disk.
    pub fn alarm_disk(&self, on: bool) {
        self.alarm("disk", on);
    }

    fn alarm(&self, resource: &str, on: bool) {
        let alarm = format!("{{resource_limit, {resource}, node()}}");
        let change = if on {
            format!("rabbit_alarm:set_alarm({{{alarm}, []}})")
        } else {
            format!("rabbit_alarm:clear_alarm({alarm})")
        };
        // The question is answered when every connection has been told.
        self.evaluate(&format!("{change}, rabbit_alarm:get_alarms(), <<>>"));
    }

    /// Creates a virtual host in which `guest` may do everything.
    pub fn vhost(&self, name: &str) {
        let name = binary(name.as_bytes());
        self.evaluate(&format!("ok = rabbit_vhost:add({name}, <<\"test\">>), <<>>"));
        self.permit_by(&name, &binary(b"guest"));
    }

    pub fn user(&self, name: &str, password: &str) {
        let (name, password) = (binary(name.as_bytes()), binary(password.as_bytes()));
        let add =
            format!("ok = rabbit_auth_backend_internal:add_user({name}, {password}, <<\"test\">>), <<>>");
        self.evaluate(&add);
    }

    /// Lets a user do everything in a virtual host.
    pub fn permit(&self, vhost: &str, user: &str) {
        self.permit_by(&binary(vhost.as_bytes()), &binary(user.as_bytes()));
    }

    fn permit_by(&self, vhost: &str, user: &str) {
        let all = "<<\".*\">>";
        let call = format!("set_permissions({user}, {vhost}, {all}, {all}, {all}, <<\"test\">>)");
        self.evaluate(&format!("ok = rabbit_auth_backend_internal:{call}, <<>>"));
    }

    /// Messages in a queue, both ready and handed out; `None` if there is no such queue.
    pub fn depth(&self, vhost: &str, queue: &str) -> Option<u64> {
        self.queue_figure(vhost, queue, "messages")
    }

    pub fn consumers(&self, vhost: &str, queue: &str) -> Option<u64> {
        self.queue_figure(vhost, queue, "consumers")
    }

    fn queue_figure(&self, vhost: &str, queue: &str, figure: &str) -> Option<u64> {
        let (vhost, queue) = (binary(vhost.as_bytes()), binary(queue.as_bytes()));
        let found = self.evaluate(&format!(
            "case rabbit_amqqueue:lookup(rabbit_misc:r({vhost}, queue, {queue})) of
               {{ok, Q}} -> [{{_, N}}] = rabbit_amqqueue:info(Q, [{figure}]), integer_to_list(N);
               _ -> \"none\"
             end"
        ));
        found.parse().ok()
    }

    /// The names that clients gave their connections.
    pub fn connections(&self) -> Vec<String> {
        let names = self.evaluate(
            "[[case lists:keyfind(<<\"connection_name\">>, 1, P) of {_, _, N} -> N; _ -> <<>> end, \"\\n\"]
               || [{_, P}] <- rabbit_networking:connection_info_all([client_properties])]",
        );
        names.lines().map(str::to_owned).collect()
    }

    /// The value of an Erlang expression in the broker's node, which has to be an `iolist`.
    pub fn evaluate(&self, expression: &str) -> String {
        let started = Instant::now();
        loop {
            match self.node.control.try_evaluate(expression) {
                Ok(value) => return value,
                // Nothing was evaluated: a busy node may be too late for the handshake.
                Err(error) if error.contains("failed to connect") && started.elapsed() < CONNECT_BOUND => {
                    eprintln!("asked again, as the node was not reached: {error}");
                    thread::sleep(Duration::from_millis(200));
                }
                Err(error) => panic!("{expression}: {error}"),
            }
        }
    }

    /// Closes all connections from the broker's side.
    pub fn close_connections(&self) {
        self.evaluate("rabbit_networking:close_all_connections(\"test\"), <<>>");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the broker's log ends with:\n{}", self.node.log());
        }
    }
}
