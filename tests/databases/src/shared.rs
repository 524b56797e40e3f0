//! The server of each kind that tests share, in one folder of the machine for each user.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

use nix::unistd::Uid;

use crate::{
    guardian,
    kind::Kind,
    node::{Place, free_port},
};

/// While one is held the server stays. It is the process's end that ends it, whatever the process does before.
#[derive(Debug)]
pub(crate) struct Use {
    pub(crate) place: Place,
    _users: File,
}

impl Use {
    /// Starts the server unless it runs. Others wait meanwhile.
    pub(crate) fn of(kind: Kind) -> Self {
        let folder = folder(kind);
        fs::create_dir_all(&folder).expect("a folder can be made");
        let start = lock_file(&folder, "start");
        start.lock().expect("a file can be locked");
        let users = lock_file(&folder, "users");
        users.lock_shared().expect("a file can be locked");
        let place = running(kind, &folder).unwrap_or_else(|| begin(kind, &folder));
        Self { place, _users: users }
    }
}

fn folder(kind: Kind) -> PathBuf {
    env::temp_dir().join(format!("busbar-databases-{}", Uid::effective())).join(kind.name())
}

fn lock_file(folder: &Path, name: &str) -> File {
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true).open(folder.join(name)).expect("a file can be made")
}

fn running(kind: Kind, folder: &Path) -> Option<Place> {
    let port = fs::read_to_string(folder.join("server/port")).ok()?.parse().ok()?;
    let place = Place::new(kind, &folder.join("server"), port);
    // A machine that is very busy may keep it from answering at once.
    (0..20).find_map(|_| {
        let answers = place.try_sql(None, "SELECT 1").is_ok();
        if !answers {
            std::thread::sleep(Duration::from_millis(100));
        }
        answers.then(|| place.clone())
    })
}

/// The port is written last: what was left half-way is begun anew.
fn begin(kind: Kind, folder: &Path) -> Place {
    let of_server = folder.join("server");
    // Of one that died, maybe with its guardian.
    let _ = fs::remove_dir_all(&of_server);
    let place = Place::new(kind, &of_server, free_port());
    place.prepare();
    drop(place.start());
    fs::write(of_server.join("port"), place.port.to_string()).expect("a file can be written");
    guardian::watch(folder);
    place
}
