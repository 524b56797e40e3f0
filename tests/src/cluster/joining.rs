//! Clusters that have an authority: made by `busbar init`, joined by `busbar join`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use busbar_test_databases::free_port;

use super::{Cluster, Common, Member, START_BOUND};
use crate::folder::Folder;

/// The first admin process, and a person who may ask it.
pub(super) async fn found(admin: Member, common: &Common) -> (Member, Option<Folder>) {
    let dir = admin.path("").display().to_string();
    let listen = admin.admin_client().authority().to_owned();
    let mut init = vec!["init", "test", "--odb", &common.odb_url, "--name", "admin"];
    init.extend(["--listen", &listen, "--address", &listen, "--dir", &dir]);
    if let Some(url) = &common.amqp_url {
        init.extend(["--amqp", url]);
    }
    admin.folder().run(&init).await.expect(0);
    let operator = Folder::default();
    let mut admin = admin.start("admin");
    admin.speak_tls(admin.path(""));
    admin.wait_admin(START_BOUND).await;
    let token = token(&admin, &["--role", "operator"]).await;
    let dir = operator.dir().display().to_string();
    operator.run(&["join", &token, "--name", "ada", "--dir", &dir]).await.expect(0);
    admin.speak_tls(operator.dir());
    (admin, Some(operator))
}

/// A join token, by the command line on the admin's host.
async fn token(admin: &Member, wish: &[&str]) -> String {
    let dir = admin.path("").display().to_string();
    let mut line = vec!["join-token", "--dir", &dir];
    line.extend(wish);
    admin.folder().run(&line).await.expect(0).stdout.trim().to_owned()
}

impl Cluster {
    /// For `busbar join`.
    pub async fn join_token(&self, wish: &[&str]) -> String {
        token(&self.admin, wish).await
    }

    /// Makes a folder that of a member.
    pub(super) async fn join(&self, member: &Member, role: &str) {
        let token = self.join_token(&["--role", role]).await;
        let dir = member.path("").display().to_string();
        member.folder().run(&["join", &token, "--name", &member.name, "--dir", &dir]).await.expect(0);
    }

    /// The balancer takes calls by TLS too, with this certificate, and clients may show one of that authority. The port.
    pub async fn serve_clients_by_tls(&mut self, certificate: &Path, client_ca: &Path) -> u16 {
        let port = free_port();
        let agent = self.balancer.as_mut().expect("the cluster has a balancer");
        let settings = fs::read_to_string(agent.path("busbar.toml")).expect("the agent has settings");
        let more = format!(
            "[balancer]\ntls_listen = \"127.0.0.1:{port}\"\ntls_certificate = \"{}\"\ntls_client_ca = \"{}\"\n",
            certificate.display(),
            client_ca.display()
        );
        fs::write(agent.path("busbar.toml"), settings.replace("[balancer]\n", &more))
            .expect("they can be written");
        agent.kill_parent().await;
        agent.restart("lb-agent");
        port
    }

    /// What `--dir` is given to ask as a person who may administer.
    pub fn operator_dir(&self) -> PathBuf {
        self.operator.as_ref().expect("the cluster has an authority").dir()
    }
}
