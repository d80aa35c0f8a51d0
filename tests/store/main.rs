//! The report store on each database that it may be: the same tests on all of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bench;
mod counts;
mod faults;
mod half_way;
mod holders;
mod intervals;
mod killed;
mod opening;
mod programs;
mod retention;
mod servers;
mod tls;

/// Runs each of these tests, `async fn(Place)`, on each database.
macro_rules! on_each_store {
    ($($test:ident),+ $(,)?) => {
        mod sqlite { $crate::on_each_store!(@ sqlite $($test)+); }
        mod mariadb { $crate::on_each_store!(@ mariadb $($test)+); }
        #[cfg(feature = "mysql")]
        mod mysql { $crate::on_each_store!(@ mysql $($test)+); }
        mod postgresql { $crate::on_each_store!(@ postgresql $($test)+); }
    };
    (@ $store:ident $($test:ident)+) => {
        $(#[tokio::test]
        async fn $test() {
            super::$test($crate::bench::Place::$store().await).await;
        })+
    };
}
use on_each_store;
