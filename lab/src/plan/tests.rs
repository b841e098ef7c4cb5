//! What is planned, without a system: which links get a wire, what is on it, who routes where.

use super::*;

fn planned(name: &str) -> Plan {
    plan(&Scenario::named(name).unwrap(), "cnclab-1-0")
}

fn space<'a>(plan: &'a Plan, name: &str) -> &'a Space {
    plan.spaces.iter().find(|space| space.name == name).unwrap_or_else(|| panic!("{name} is not planned"))
}

#[test]
fn a_sound_link_is_one_veth_pair_and_an_impaired_one_two_with_a_wire_between() {
    let expected = "netns add cnclab-1-0-client\n\
        netns add cnclab-1-0-server\n\
        netns add cnclab-1-0-r1\n\
        netns add cnclab-1-0.wire1\n\
        link add eth0 address 02:c0:00:00:00:01 netns cnclab-1-0-client \
        type veth peer name eth0 address 02:c0:00:00:00:02 netns cnclab-1-0-r1\n\
        link add eth1 address 02:c0:00:00:01:01 netns cnclab-1-0-r1 type veth peer name first netns cnclab-1-0.wire1\n\
        link add eth0 address 02:c0:00:00:01:02 netns cnclab-1-0-server type veth peer name second netns cnclab-1-0.wire1\n";
    assert_eq!(planned("delay40").create, expected);
}

#[test]
fn delay_and_loss_need_a_relay_and_a_rate_alone_does_not() {
    let relays = |name: &str| planned(name).relays.iter().map(|relay| relay.link).collect::<Vec<_>>();
    let table: [(&str, &[usize]); 7] = [
        ("plain", &[]),
        ("path7", &[]),
        ("path10", &[0]),
        ("rate20", &[]),
        ("delay40", &[1]),
        ("loss10", &[1]),
        ("rate20-delay40", &[2]),
    ];
    for (name, expected) in table {
        assert_eq!(relays(name), expected, "{name}");
    }
}

#[test]
fn a_rate_is_on_the_port_where_its_direction_leaves() {
    let text = "description = \"d\"\n[hosts.client]\n[hosts.server]\n[[links]]\nbetween = [\"client\", \"server\"]\n\
                forward = { rate = \"8mbit\", queue = \"10kb\" }\nback = { rate = \"80mbit\", queue = \"100ms\" }";
    let plan = plan(&Scenario::parse(text).unwrap(), "cnclab-1-0");
    let tc = &space(&plan, "cnclab-1-0.wire0").tc;
    assert!(
        tc.contains("dev second root handle 1: stab overhead -14 tbf rate 8000000bit burst 5000 limit 10000"),
        "{tc}"
    );
    assert!(
        tc.contains("dev first root handle 1: stab overhead -14 tbf rate 80000000bit burst 50000 limit 1000000"),
        "{tc}"
    );
    assert!(
        tc.contains("dev first ingress protocol all u32 match u32 0 0 action mirred egress redirect dev second"),
        "{tc}"
    );
}

#[test]
fn hosts_have_a_gateway_and_routers_a_route_to_each_net() {
    let plan = planned("path7");
    let client = &space(&plan, "cnclab-1-0-client").ip;
    assert!(client.contains("route add default via 10.77.0.2\n"), "{client}");
    assert!(client.contains("route add default via fd77::2\n"), "{client}");
    let r3 = &space(&plan, "cnclab-1-0-r3").ip;
    let routes: Vec<_> = r3.lines().filter(|line| line.starts_with("route add 10.")).collect();
    let expected = [
        "route add 10.77.0.0/24 via 10.77.2.1",
        "route add 10.77.1.0/24 via 10.77.2.1",
        "route add 10.77.4.0/24 via 10.77.3.2",
        "route add 10.77.5.0/24 via 10.77.3.2",
        "route add 10.77.6.0/24 via 10.77.3.2",
    ];
    assert_eq!(routes, expected);
}
