//! When too few servers are usable.

use super::*;

#[test]
fn all_servers_are_used_when_fewer_than_half_are_usable() {
    let upstream = make(Settings { health: Some(Health::default()), ..settings(4) }, None);
    for (down, expected) in [(0, vec![1, 2, 3]), (1, vec![2, 3]), (2, vec![0, 1, 2, 3])] {
        check(&upstream, down, false);
        assert_eq!(used(&upstream), expected);
        assert_eq!(upstream.is_panicking(), down == 2);
    }
    check(&upstream, 0, true);
    assert_eq!(used(&upstream), [0, 3]);
    assert!(!upstream.is_panicking());
}

#[test]
fn a_lone_server_is_used_whatever_is_known_of_it() {
    let upstream = make(Settings { health: Some(Health::default()), ..settings(1) }, None);
    check(&upstream, 0, false);
    eject(&upstream, 0);
    assert_eq!(used(&upstream), [0]);
}
