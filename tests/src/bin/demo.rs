//! `make demo`: buyers shop at a real Rails shop through Banyan, and the verdicts grow.

use std::{
    error::Error,
    io::{IsTerminal as _, Write as _, stdout},
    net::TcpListener,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;
use proxy::report::overview;
use shadow::Reports;
use tests::{
    banyan::{Proxy, Setup},
    buyers::{Buyers, Tally, Until},
    project,
    shop::Shop,
};
use tokio::signal::unix::{SignalKind, signal};
use toml::{Table, Value};

/// Buyers shop at a real Rails shop through Banyan, and the verdicts grow.
#[derive(Debug, Parser)]
struct Arguments {
    /// Seconds until the demo ends by itself; without it, Ctrl-C ends it
    #[arg(long)]
    duration: Option<u64>,
    /// Buyers at a time
    #[arg(long, default_value_t = 4)]
    buyers: u32,
}

/// How often the table is shown: quickly where it is redrawn, seldom where lines pile up.
const REDRAW: Duration = Duration::from_secs(1);
const APPEND: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> ExitCode {
    match demo(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("demo: {}", proxy::error::Chain(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

/// Whether no buyer had a complaint.
async fn demo(arguments: Arguments) -> Result<bool, Box<dyn Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    say("Starting the shop: Rails on Puma, MariaDB, Redis, Sidekiq …");
    // The shop takes seconds to start, and Ctrl-C must work in them.
    let starting = tokio::task::spawn_blocking(Shop::start);
    let shop = tokio::select! {
        shop = starting => shop??,
        _ = interrupt.recv() => return Ok(true),
        _ = terminate.recv() => return Ok(true),
    };
    let proxy = Proxy::start(setup(&shop)?, extracted::all()).await?;
    let reports = Reports::open_read_only(&proxy.store()).await?;
    say(&format!("\n  The shop, through Banyan   {}\n", proxy.url()));
    say(&format!("  Verdicts and differences   {}/\n", proxy.admin()));

    let tally = tokio::select! {
        tally = shopping(&arguments, &proxy, &reports) => Some(tally?),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
    };
    say("\nDraining …\n");
    proxy.stop().await;
    tokio::task::spawn_blocking(move || drop(shop)).await?;
    // Buyers that were interrupted have nothing to say.
    let Some(tally) = tally else { return Ok(true) };
    for complaint in tally.complaints.iter().take(10) {
        say(&format!("  A buyer complained: {complaint}\n"));
    }
    say(&format!("{} journeys, {} complaints.\n", tally.journeys, tally.complaints.len()));
    Ok(tally.complaints.is_empty())
}

fn setup(shop: &Shop) -> Result<Setup, Box<dyn Error>> {
    let log = ["--log-format", "text", "--log", "warn"];
    Ok(Setup {
        monolith: shop.addresses.url.clone(),
        database: Some(shop.addresses.database_url.clone()),
        routes: Some(routes()?),
        listen: usual("127.0.0.1:8080"),
        admin: usual("127.0.0.1:9090"),
        flags: [log.map(str::to_owned).to_vec(), shop.addresses.flags()].concat(),
    })
}

/// routes.toml, with the monolith asked twice wherever answers are compared: these buyers pay within
/// a moment of looking, and a sale between two answers is neither side's fault.
fn routes() -> Result<String, Box<dyn Error>> {
    let mut table: Table = std::fs::read_to_string(project::root().join("routes.toml"))?.parse()?;
    for route in table.get_mut("route").and_then(Value::as_array_mut).into_iter().flatten() {
        let is_compared = route.get("stage").and_then(Value::as_str) == Some("shadow");
        if let Some(route) = route.as_table_mut().filter(|_| is_compared) {
            route.insert("noise".to_owned(), "100%".into());
        }
    }
    Ok(table.to_string())
}

/// The address that people expect, unless something else is there already.
fn usual(address: &str) -> Option<String> {
    TcpListener::bind(address).is_ok().then(|| address.to_owned())
}

async fn shopping(
    arguments: &Arguments,
    proxy: &Proxy,
    reports: &Reports,
) -> Result<Tally, Box<dyn Error>> {
    let buyers = Buyers { base: proxy.url(), at_once: arguments.buyers, seed: 1 };
    let forever = Duration::from_hours(10 * 365 * 24);
    let until = arguments.duration.map_or(forever, Duration::from_secs);
    let shopping = buyers.run(Until::Elapsed(until));
    tokio::pin!(shopping);
    let began = Instant::now();
    let redraws = stdout().is_terminal();
    let mut tick = tokio::time::interval(if redraws { REDRAW } else { APPEND });
    let mut drawn = 0;
    loop {
        tokio::select! {
            tally = &mut shopping => {
                let table = overview(&reports.routes().await?);
                say(&format!("\nAfter {} s:\n{table}", began.elapsed().as_secs()));
                return Ok(tally);
            }
            _ = tick.tick() => {
                let table = overview(&reports.routes().await?);
                if redraws && drawn > 0 {
                    // Up by the lines of the last table, and clear from there.
                    say(&format!("\x1b[{drawn}A\x1b[J"));
                }
                let text = format!("\n{} s\n{table}", began.elapsed().as_secs());
                drawn = text.matches('\n').count();
                say(&text);
            }
        }
    }
}

/// Where nobody reads any more there is nothing to say.
fn say(text: &str) {
    let _ = stdout().write_all(text.as_bytes()).and_then(|()| stdout().flush());
}
