//! What differs between the servers: their programs and how these are called.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::node::{PASSWORD, Place, USER};

const POSTGRES_FOLDERS: &str = "/usr/lib/postgresql";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Postgres,
    Mariadb,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mariadb => "mariadb",
        }
    }

    /// One of the server's programs.
    fn program(self, name: &str) -> Command {
        match self {
            Self::Postgres => Command::new(postgres_programs().join(name)),
            Self::Mariadb => {
                let found = ["/usr/sbin", "/usr/bin"].map(|folder| Path::new(folder).join(name));
                let found = found.into_iter().find(|path| path.is_file());
                Command::new(found.expect("Debian's mariadb-server is installed: `make databases`"))
            }
        }
    }

    /// Makes the files of a server that has no databases yet.
    pub(crate) fn initialise(self, place: &Place) -> Command {
        let data = place.path("data");
        match self {
            Self::Postgres => {
                fs::write(place.path("password"), PASSWORD).expect("a file can be written");
                let mut command = self.program("initdb");
                // An order of texts that is not that of their bytes, so that none is relied upon.
                command.args([
                    "--encoding=UTF8",
                    "--locale=C.UTF-8",
                    "--locale-provider=icu",
                    "--icu-locale=en-US",
                ]);
                command.args([
                    "--auth-local=trust",
                    "--auth-host=scram-sha-256",
                    "--no-sync",
                    "-U",
                    USER,
                    "-D",
                ]);
                command.arg(data).arg("--pwfile").arg(place.path("password"));
                command
            }
            Self::Mariadb => {
                let users = ["localhost", "127.0.0.1"].map(|host| {
                    format!(
                        "CREATE USER IF NOT EXISTS '{USER}'@'{host}' IDENTIFIED BY '{PASSWORD}';\n\
                         GRANT ALL ON *.* TO '{USER}'@'{host}';\n"
                    )
                });
                fs::write(place.path("init.sql"), users.concat()).expect("a file can be written");
                let mut command = self.program("mariadb-install-db");
                command.args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]);
                command.arg(format!("--datadir={}", data.display()));
                // Servers that are made at once would take each other's temporary tables away.
                command.env("TMPDIR", place.folder());
                command
            }
        }
    }

    /// The server itself, which does not leave the foreground.
    pub(crate) fn serve(self, place: &Place) -> Command {
        let (folder, data) = (place.folder().display(), place.path("data"));
        match self {
            Self::Postgres => {
                let mut command = self.program("postgres");
                command.arg("-D").arg(data);
                let settings = [
                    format!("port={}", place.port),
                    format!("unix_socket_directories={folder}"),
                    "listen_addresses=127.0.0.1".to_owned(),
                    "fsync=off".to_owned(),
                    "full_page_writes=off".to_owned(),
                    "max_connections=300".to_owned(),
                    "shared_buffers=64MB".to_owned(),
                ];
                let by_tls = [
                    "ssl=on".to_owned(),
                    format!("ssl_cert_file={folder}/tls.crt"),
                    format!("ssl_key_file={folder}/tls.key"),
                ];
                for setting in settings.into_iter().chain(by_tls.into_iter().filter(|_| place.encrypted)) {
                    command.arg("-c").arg(setting);
                }
                command
            }
            Self::Mariadb => {
                let mut command = self.program("mariadbd");
                command.args([
                    "--no-defaults",
                    "--bind-address=127.0.0.1",
                    "--skip-name-resolve",
                    "--skip-log-bin",
                ]);
                command.args(["--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=128M"]);
                command.args([
                    "--max-connections=300",
                    "--max-allowed-packet=64M",
                    "--performance-schema=off",
                ]);
                command.arg(format!("--datadir={}", data.display()));
                command.arg(format!("--port={}", place.port));
                command.arg(format!("--socket={folder}/socket"));
                command.arg(format!("--pid-file={folder}/mariadbd-pid"));
                command.arg(format!("--init-file={folder}/init.sql"));
                command.arg(format!("--tmpdir={folder}"));
                if place.encrypted {
                    command.arg(format!("--ssl-cert={folder}/tls.crt"));
                    command.arg(format!("--ssl-key={folder}/tls.key"));
                }
                command
            }
        }
    }

    /// A client that runs statements and gives their rows, a line each.
    pub(crate) fn client(self, place: &Place, database: Option<&str>) -> Command {
        let mut command = match self {
            Self::Postgres => {
                let mut command = self.program("psql");
                command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", USER, "-h"]);
                command.arg(place.folder()).args(["-p", &place.port.to_string()]);
                command.args(["-d", database.unwrap_or("postgres")]);
                command
            }
            Self::Mariadb => {
                let mut command = self.program("mariadb");
                command.args(["--no-defaults", "-N", "-B", "-u", USER]).arg(format!("-p{PASSWORD}"));
                command.arg("-S").arg(place.path("socket")).args(database);
                command
            }
        };
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn url(self, port: u16, database: &str) -> String {
        let scheme = match self {
            Self::Postgres => "postgres",
            Self::Mariadb => "mysql",
        };
        format!("{scheme}://{USER}:{PASSWORD}@127.0.0.1:{port}/{database}")
    }
}

/// The folder of the newest version.
fn postgres_programs() -> PathBuf {
    let versions = fs::read_dir(POSTGRES_FOLDERS).into_iter().flatten().flatten();
    let folders = versions.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        let folder = entry.path().join("bin");
        folder.join("postgres").is_file().then_some((version, folder))
    });
    folders.max().expect("Debian's postgresql is installed: `make databases`").1
}
