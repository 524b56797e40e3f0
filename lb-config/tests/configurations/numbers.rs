//! What HAProxy says of itself.

use busbar_lb_config::{info, stats};

const HEAD: &str = "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,econ,eresp,status,weight,lastchg,downtime,type,check_status,hrsp_4xx,hrsp_5xx,last_chk,rtime,addr,-,x,";

#[test]
fn servers_are_told_from_the_rest() {
    let text = format!(
        "{HEAD}\nbusbar,FRONTEND,,,1,2,100,3,4,5,,,OPEN,,,,0,,1,0,,,,-,,\nservers,a,6,7,8,9,,10,11,12,13,14,UP 1/3,100,15,16,2,* L7OK,17,18,\"OK, \"\"fine\"\"\",19,127.0.0.1:1,-,,\nservers,b,0,0,0,0,,0,0,0,0,0,MAINT (resolution),0,-1,0,2,,0,0,,,,-,,\nservers,c,0,0,0,0,,0,0,0,0,0,no check,0,-1,0,2,,0,0,,,,-,,\nservers,BACKEND,0,0,0,0,,0,0,0,0,0,UP,1,1,0,1,,0,0,,,,-,,\n\n"
    );
    let servers = stats::parse(&text).unwrap();
    let names: Vec<&str> = servers.iter().map(|server| server.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let a = &servers[0];
    assert_eq!((a.queued, a.sessions, a.sessions_max, a.sessions_total), (6, 8, 9, 10));
    assert_eq!((a.bytes_in, a.bytes_out, a.connection_errors, a.response_errors), (11, 12, 13, 14));
    assert_eq!((a.status.as_str(), a.weight, a.changed_s, a.down_s), ("UP", 100, 15, 16));
    assert_eq!((a.check.as_str(), a.responses_4xx, a.responses_5xx, a.response_ms), ("L7OK", 17, 18, 19));
    assert_eq!((a.check_detail.as_str(), a.address.as_str()), ("OK, \"fine\"", "127.0.0.1:1"));
    assert_eq!((servers[1].status.as_str(), servers[2].status.as_str()), ("MAINT", "no check"));
}

#[test]
fn what_is_no_answer_is_refused() {
    assert_eq!(stats::parse(""), Err(stats::StatsError::Head));
    assert_eq!(stats::parse("Unknown command\n"), Err(stats::StatsError::Head));
    assert!(
        stats::parse(&format!("{HEAD}\na,b\n")).unwrap_err().to_string().starts_with("line 2 has 2 fields")
    );
    assert_eq!(stats::parse(&format!("{HEAD}\na,\"b\n")), Err(stats::StatsError::Quote { line: 2 }));
    let row = "servers,a,x,7,8,9,,10,11,12,13,14,UP,100,15,16,2,,17,18,,19,,-,,";
    assert!(stats::parse(&format!("{HEAD}\n{row}\n")).unwrap_err().to_string().contains("qcur is \"x\""));
    assert_eq!(info::parse("Name: HAProxy\n"), Err(info::InfoError::Missing("Version")));
}

#[test]
fn the_process_is_told() {
    let text = "Name: HAProxy\nVersion: 2.6.12-1+deb12u4\nNbthread: 2\nPid: 2251\nUptime_sec: 1\nUlimit-n: 2033\nMaxconn: 1000\nCurrConns: 3\nCumConns: 4\nCumReq: 2\nCurrSslConns: 1\nConnRate: 5\nIdle_pct: 99\n";
    let info = info::parse(text).unwrap();
    assert_eq!(
        (info.version.as_str(), info.pid, info.uptime_s, info.threads),
        ("2.6.12-1+deb12u4", 2251, 1, 2)
    );
    assert_eq!(
        (info.connections, info.connections_max, info.requests_total, info.idle_percent),
        (3, 1000, 2, 99)
    );
    assert!(
        info::parse(&text.replace("Pid: 2251", "Pid: x")).unwrap_err().to_string().contains("Pid is \"x\"")
    );
}
