//! Everything that people and programs see of Banyan: pages, their JSON, metrics, reports, files.

use std::{
    collections::{BTreeSet, VecDeque},
    fs,
};

use reqwest::Client;

use super::process::Careless;

/// A name, and the bytes that are there.
pub(crate) type Surface = (String, Vec<u8>);

/// Every page that can be reached from the overview, each with its JSON, and what else the admin
/// listener has.
pub(crate) async fn admin(admin: &str) -> Vec<Surface> {
    let client = Client::new();
    let mut found = Vec::new();
    let mut known: BTreeSet<String> =
        ["/", "/metrics", "/readyz", "/nowhere"].map(str::to_owned).into();
    let mut waiting: VecDeque<String> = known.iter().cloned().collect();
    while let Some(path) = waiting.pop_front() {
        let body =
            client.get(format!("{admin}{path}")).send().await.unwrap().bytes().await.unwrap();
        let text = String::from_utf8_lossy(&body);
        let links = text.split("href=\"").skip(1).filter_map(|it| it.split('"').next());
        let twin = match &*path {
            "/" => Some("/api/routes".to_owned()),
            it if it.starts_with("/routes/") => Some(format!("/api{it}")),
            _ => None,
        };
        let links = links.filter(|it| it.starts_with('/')).map(str::to_owned).chain(twin);
        waiting.extend(links.filter(|it| known.insert(it.clone())));
        found.push((path, body.to_vec()));
    }
    found
}

/// `banyan report`, of all routes and of each, for people and for programs.
pub(crate) fn reports(process: &Careless, routes: &[String]) -> Vec<Surface> {
    let mut found = Vec::new();
    let store = process.store();
    let each = routes.iter().map(|it| vec!["report", it]).chain([vec!["report"]]);
    for arguments in each {
        for format in ["text", "json"] {
            let arguments = [&arguments[..], &["--store", &store, "--format", format]].concat();
            let output = process.asked(&arguments);
            assert!(output.status.success(), "{arguments:?}: {output:?}");
            found.push((arguments.join(" "), [output.stdout, output.stderr].concat()));
        }
    }
    found
}

/// The log, the store with what is beside it, and whatever else was written.
pub(crate) fn files(process: &Careless) -> Vec<Surface> {
    let read = |it: std::path::PathBuf| (it.display().to_string(), fs::read(&it).unwrap());
    process.files().into_iter().map(read).collect()
}
