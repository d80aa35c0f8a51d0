//! A thousand changes of routes.toml under load: good, bad, half-written, replaced by a rename, and
//! swapped behind a symbolic link. No request fails, no table is torn, every bad file is reported.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use reqwest::Client;
use tests::{
    banyan::{Proxy, Setup},
    project::Scratch,
};

use crate::support::{eventually, metric, shop};

const ROUNDS: u64 = 1_000;

/// A table whose two routes name its number, so that a mixture of two tables shows.
fn good(number: u64) -> String {
    ["up", "list"]
        .map(|name| {
            let path = if name == "up" { "/up" } else { "/api/products" };
            format!(
                "[[route]]\nid = \"{name}-{number}\"\nstage = \"monolith\"\n\
             match = {{ method = \"GET\", path = \"{path}\" }}\n"
            )
        })
        .join("\n")
}

fn bad(number: u64) -> String {
    good(number).replacen("monolith", &format!("monolit-{number}"), 1)
}

/// How a file comes to have new content.
#[derive(Clone, Copy)]
enum Way {
    InPlace,
    Rename,
    /// As Kubernetes does: `routes.toml` → `..data/routes.toml`, and `..data` is swapped.
    ConfigMap,
}

struct Folder(PathBuf);

impl Folder {
    fn new(path: &Path) -> Self {
        fs::create_dir(path.join("..0")).unwrap();
        fs::write(path.join("..0/routes.toml"), good(0)).unwrap();
        std::os::unix::fs::symlink("..0", path.join("..data")).unwrap();
        std::os::unix::fs::symlink("..data/routes.toml", path.join("routes.toml")).unwrap();
        Self(path.to_owned())
    }

    fn file(&self) -> PathBuf {
        self.0.join("routes.toml")
    }

    fn change(&self, number: u64, text: &str, way: Way) {
        match way {
            Way::InPlace => fs::write(self.file(), text).unwrap(),
            Way::Rename => {
                let new = self.0.join("new.toml");
                fs::write(&new, text).unwrap();
                // Over the link, not through it: from now on the file is an ordinary one.
                fs::rename(new, self.file()).unwrap();
            }
            Way::ConfigMap => {
                let version = format!("..{number}");
                fs::create_dir(self.0.join(&version)).unwrap();
                fs::write(self.0.join(&version).join("routes.toml"), text).unwrap();
                std::os::unix::fs::symlink(&version, self.0.join("..new")).unwrap();
                fs::rename(self.0.join("..new"), self.0.join("..data")).unwrap();
                if !self.file().is_symlink() {
                    fs::remove_file(self.file()).unwrap();
                    std::os::unix::fs::symlink("..data/routes.toml", self.file()).unwrap();
                }
            }
        }
    }
}

/// Clients that never stop asking; counts their answers, and panics at the first that is not 200.
struct Load {
    answers: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    clients: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn start(base: &str) -> Self {
        let (answers, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let clients = (0..3).map(|index| {
            let (base, answers, stop) = (base.to_owned(), Arc::clone(&answers), Arc::clone(&stop));
            tokio::spawn(async move {
                let client = Client::new();
                let path = if index == 0 { "/api/products?per_page=1" } else { "/up" };
                while !stop.load(Ordering::Relaxed) {
                    let response = client.get(format!("{base}{path}")).send().await.unwrap();
                    assert_eq!(response.status(), 200);
                    response.bytes().await.unwrap();
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        Self { clients: clients.collect(), answers, stop }
    }

    async fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.unwrap();
        }
        self.answers.load(Ordering::Relaxed)
    }
}

/// The table in force, as the admin listener tells it.
pub(crate) async fn table(proxy: &Proxy) -> serde_json::Value {
    let url = format!("{}/api/routes", proxy.admin());
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

pub(crate) fn ids(table: &serde_json::Value) -> Vec<String> {
    let routes = table["routes"].as_array().unwrap();
    routes.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_reloads_fail_no_request_and_report_every_bad_file() {
    let scratch = Scratch::new("reload");
    let folder = Folder::new(scratch.path());
    let flags = vec!["--routes".to_owned(), folder.file().display().to_string()];
    let setup = Setup { monolith: shop().await.url, flags, ..Setup::default() };
    let proxy = Proxy::start(setup, &[]).await.unwrap();
    let load = Load::start(&proxy.url());

    let mut in_force = 0;
    for number in 1..=ROUNDS {
        let way = [Way::InPlace, Way::Rename, Way::ConfigMap][usize::try_from(number % 3).unwrap()];
        let is_bad = number % 4 == 0;
        if number % 5 == 0 {
            // Half of the file, as a slow writer leaves it; what it says is that writer's business.
            let text = good(number);
            folder.change(number, &text[..text.len() / 2 + 3], Way::InPlace);
        }
        let text = if is_bad { bad(number) } else { good(number) };
        folder.change(number, &text, way);
        if !is_bad {
            in_force = number;
        }
        // A bad file is reported with its own mistake, a good one comes into force: wait for that.
        let table = eventually(&format!("change {number}"), || async {
            let table = table(&proxy).await;
            let rejected = table["last_rejected"].as_str().unwrap_or_default().to_owned();
            let seen = if is_bad {
                rejected.contains(&format!("monolit-{number}\""))
            } else {
                ids(&table)[0] == format!("up-{number}")
            };
            seen.then_some(table)
        })
        .await;
        let expected =
            [format!("up-{in_force}"), format!("list-{in_force}"), "unrouted".to_owned()];
        assert_eq!(ids(&table), expected, "the table after change {number} is torn");
    }

    let rejected = metric(&proxy, "banyan_route_table_reloads_total{result=\"rejected\"}").await;
    assert!(rejected >= 250.0, "{rejected} bad files were reported");
    assert!(load.stop().await > ROUNDS, "there was hardly any load");
    proxy.stop().await;
}
