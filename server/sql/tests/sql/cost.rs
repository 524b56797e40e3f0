//! What a select costs beside the bare driver, and how fast a cursor is beside it.

use std::time::Duration;

use busbar_model::connection::sql::Engine;
use busbar_sql::{Connection, Settings, Value};
use busbar_test_cost::{median, paired, ratio, share_a_processor, spent_by_all};
use futures_util::{StreamExt as _, pin_mut};

use crate::stage::{Place, connect};

const ROUNDS: usize = 7;
/// In a round.
const CURSORS: u32 = 20;
const ROWS: u32 = 100_000;
const ONE: &str = "SELECT sku, amount FROM stock WHERE n = $1";
const MANY: &str = "SELECT n, sku, amount FROM stock";

async fn filled(place: &Place, engine: Engine) -> Connection {
    let connection = connect(&Settings { statement_ms: 60_000, ..place.settings() });
    let create = "CREATE TABLE stock (n INTEGER PRIMARY KEY, sku VARCHAR(40), amount INTEGER)";
    connection.execute(create, Vec::new()).await.unwrap();
    let fill = match engine {
        Engine::Postgres => {
            format!(
                "INSERT INTO stock SELECT i, 'article number ' || i, i % 7 FROM generate_series(1, {ROWS}) i"
            )
        }
        Engine::Mysql => {
            format!(
                "INSERT INTO stock SELECT seq, CONCAT('article number ', seq), seq % 7 FROM seq_1_to_{ROWS}"
            )
        }
        Engine::Sqlite => format!(
            "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {ROWS}) \
             INSERT INTO stock SELECT i, 'article number ' || i, i % 7 FROM s"
        ),
    };
    connection.execute(&fill, Vec::new()).await.unwrap();
    connection
}

async fn cursor_time(connection: &Connection) -> Duration {
    let began = spent_by_all();
    let mut cursor = connection.open(MANY, Vec::new()).await.unwrap();
    let mut count = 0;
    loop {
        let batch = cursor.next(1_000, u64::MAX).await.unwrap();
        if batch.is_empty() {
            break;
        }
        count += batch.len();
    }
    assert_eq!(count, ROWS as usize);
    spent_by_all() - began
}

async fn bare_postgres(settings: &Settings) -> tokio_postgres::Client {
    let mut config = tokio_postgres::Config::new();
    config.host(settings.host.as_ref().unwrap()).port(settings.port.unwrap());
    config.user(settings.username.as_ref().unwrap()).password("hush-hush");
    config.dbname(settings.database.as_ref().unwrap());
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test]
#[ignore = "measures, in a release build: run by make bench-outgoing"]
async fn a_select_of_postgres_costs_at_most_half_as_much_again_as_the_bare_driver() {
    share_a_processor();
    let place = Place::new(Engine::Postgres);
    let ours = filled(&place, Engine::Postgres).await;
    let bare = bare_postgres(&place.settings()).await;
    let statement = bare.prepare(ONE).await.unwrap();
    let (mut shares, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let by_ours = async |number: i32| {
            let found = ours.query(ONE, vec![Value::Integer(i64::from(number) + 1)]).await.unwrap();
            assert!(matches!(&found.rows[0][0], Value::Text(_)));
        };
        let by_bare = async |number: i32| {
            let found = bare.query(&statement, &[&(number + 1)]).await.unwrap();
            assert!(!found[0].get::<_, String>(0).is_empty() && found[0].get::<_, i32>(1) >= 0);
        };
        let [of_ours, of_bare] = paired(by_ours, by_bare).await;
        shares.push(ratio(of_ours, of_bare));
        let cursor = cursor_time(&ours).await;
        let began = spent_by_all();
        let rows = bare.query_raw::<_, i32, _>(MANY, Vec::<i32>::new()).await.unwrap();
        pin_mut!(rows);
        let mut read = Vec::new();
        while let Some(row) = rows.next().await {
            let row = row.unwrap();
            read.push((row.get::<_, i32>(0), row.get::<_, String>(1), row.get::<_, i32>(2)));
            if read.len() == 1_000 {
                read.clear();
            }
        }
        let rate = ratio(spent_by_all() - began, cursor);
        println!(
            "a select {of_ours:?}, bare {of_bare:?}; a cursor at {:.0} % of the bare rate ({cursor:?})",
            rate * 100.0
        );
        rates.push(rate);
    }
    let (share, rate) = (median(&shares), median(&rates));
    println!("median: {share:.2} x the bare driver, cursor at {:.0} %", rate * 100.0);
    assert!(share <= 1.5 && rate >= 0.6, "{share:.2} {rate:.2}");
}

#[tokio::test]
#[ignore = "measures, in a release build: run by make bench-outgoing"]
async fn a_select_of_mariadb_costs_at_most_half_as_much_again_as_the_bare_driver() {
    use mysql_async::prelude::Queryable as _;
    share_a_processor();
    let place = Place::new(Engine::Mysql);
    let ours = filled(&place, Engine::Mysql).await;
    let settings = place.settings();
    let opts = mysql_async::OptsBuilder::default()
        .ip_or_hostname(settings.host.clone().unwrap())
        .tcp_port(settings.port.unwrap())
        .user(settings.username.clone())
        .pass(Some("hush-hush"))
        .db_name(settings.database.clone())
        .prefer_socket(false);
    let mut bare = mysql_async::Conn::new(opts).await.unwrap();
    let one = ONE.replace("$1", "?");
    let statement = bare.prep(one.as_str()).await.unwrap();
    let (mut shares, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let by_ours = async |number: i32| {
            let found = ours.query(&one, vec![Value::Integer(i64::from(number) + 1)]).await.unwrap();
            assert!(matches!(&found.rows[0][0], Value::Text(_)));
        };
        let by_bare = async |number: i32| {
            let found: Vec<(String, i32)> = bare.exec(&statement, (number + 1,)).await.unwrap();
            assert!(!found[0].0.is_empty());
        };
        let [of_ours, of_bare] = paired(by_ours, by_bare).await;
        shares.push(ratio(of_ours, of_bare));
        let cursor = cursor_time(&ours).await;
        let began = spent_by_all();
        let mut result = bare.exec_iter(MANY, ()).await.unwrap();
        let mut read = Vec::new();
        while let Some(row) = result.next().await.unwrap() {
            read.push(mysql_async::from_row::<(i32, String, i32)>(row));
            if read.len() == 1_000 {
                read.clear();
            }
        }
        let rate = ratio(spent_by_all() - began, cursor);
        println!(
            "a select {of_ours:?}, bare {of_bare:?}; a cursor at {:.0} % of the bare rate ({cursor:?})",
            rate * 100.0
        );
        rates.push(rate);
    }
    let (share, rate) = (median(&shares), median(&rates));
    println!("median: {share:.2} x the bare driver, cursor at {:.0} %", rate * 100.0);
    assert!(share <= 1.5 && rate >= 0.6, "{share:.2} {rate:.2}");
}

#[tokio::test]
#[ignore = "measures, in a release build: run by make bench-outgoing"]
async fn a_cursor_of_sqlite_is_not_much_slower_than_the_bare_driver() {
    share_a_processor();
    let place = Place::new(Engine::Sqlite);
    let ours = filled(&place, Engine::Sqlite).await;
    let bare = rusqlite::Connection::open(place.settings().file.unwrap()).unwrap();
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let mut spent = [Duration::ZERO; 2];
        for _ in 0..CURSORS {
            spent[0] += cursor_time(&ours).await;
            let began = spent_by_all();
            let mut statement = bare.prepare_cached(MANY).unwrap();
            let mut rows = statement.query(()).unwrap();
            let mut read: Vec<(i64, String, i64)> = Vec::new();
            while let Some(row) = rows.next().unwrap() {
                read.push((row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap()));
                if read.len() == 1_000 {
                    read.clear();
                }
            }
            spent[1] += spent_by_all() - began;
        }
        let rate = ratio(spent[1], spent[0]);
        println!("a cursor at {:.0} % of the bare rate ({:?})", rate * 100.0, spent[0] / CURSORS);
        rates.push(rate);
    }
    let rate = median(&rates);
    println!("median: a cursor at {:.0} %", rate * 100.0);
    assert!(rate >= 0.6, "{rate:.2}");
}
