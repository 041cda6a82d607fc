//! Which addresses are on the public Internet.
//!
//! A URL that somebody else gave us (a link to a picture, a webhook) may only lead to such an address; otherwise it
//! could reach into our own network. The blocks are those of the IANA special-purpose registries for IPv4 and IPv6;
//! where a block is globally reachable but no ordinary server lives in it, it is refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Blocks without ordinary public servers: first address and prefix length.
const CLOSED_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),       // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // carrier-grade NAT
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local, and the clouds' metadata services
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved, and broadcast
];

/// The only block IPv6 servers are given addresses from. Unique-local, link-local, site-local, multicast, discard-only,
/// unspecified, loopback and the IPv4-compatible form all lie outside it.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Blocks inside [`GLOBAL_V6`] without ordinary public servers.
const CLOSED_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments: Teredo, benchmarks, ORCHID
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4, which may lead to any IPv4 address
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

/// Blocks whose last 32 bits are the IPv4 address that is really reached.
const CARRIES_V4: [(Ipv6Addr, u32); 2] = [
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96),    // IPv4-mapped
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96), // NAT64
];

/// Whether an ordinary server on the public Internet can have this address.
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !CLOSED_V4.iter().any(|&block| in_v4(ip, block)),
        IpAddr::V6(ip) if CARRIES_V4.iter().any(|&block| in_v6(ip, block)) => is_public(last_32_bits(ip).into()),
        IpAddr::V6(ip) => in_v6(ip, GLOBAL_V6) && !CLOSED_V6.iter().any(|&block| in_v6(ip, block)),
    }
}

fn in_v4(ip: Ipv4Addr, (first, prefix): (Ipv4Addr, u32)) -> bool {
    (ip.to_bits() ^ first.to_bits()) >> (32 - prefix) == 0
}

fn in_v6(ip: Ipv6Addr, (first, prefix): (Ipv6Addr, u32)) -> bool {
    (ip.to_bits() ^ first.to_bits()) >> (128 - prefix) == 0
}

fn last_32_bits(ip: Ipv6Addr) -> Ipv4Addr {
    let [.., a, b, c, d] = ip.octets();
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn each_closed_block_is_refused_to_its_last_address() {
        for (first, prefix) in CLOSED_V4 {
            let last = Ipv4Addr::from_bits(first.to_bits() | (u32::MAX >> prefix));
            assert!(!is_public(first.into()) && !is_public(last.into()), "{first}/{prefix}");
        }
        for (first, prefix) in CLOSED_V6 {
            let last = Ipv6Addr::from_bits(first.to_bits() | (u128::MAX >> prefix));
            assert!(!is_public(first.into()) && !is_public(last.into()), "{first}/{prefix}");
        }
    }

    #[test]
    fn the_neighbours_of_closed_blocks_are_public() {
        for ip in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "203.0.114.0",
            "223.255.255.255",
        ] {
            assert!(public(ip), "{ip}");
        }
        for ip in
            ["2001:200::1", "2001:db7:ffff::1", "2001:db9::", "2003::1", "2a05:d018::1", "2600:9000::1", "3ffe::1"]
        {
            assert!(public(ip), "{ip}");
        }
    }

    #[test]
    fn nothing_outside_global_unicast_is_public() {
        for ip in [
            "::",
            "::1",
            "::8.8.8.8",
            "100::1",
            "64:ff9b:1::8.8.8.8",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(!public(ip), "{ip}");
        }
    }

    #[test]
    fn an_address_that_carries_an_ipv4_address_is_judged_by_it() {
        for prefix in ["::ffff:", "64:ff9b::"] {
            assert!(public(&format!("{prefix}8.8.8.8")), "{prefix}");
            for ip in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0", "255.255.255.255"] {
                assert!(!public(&format!("{prefix}{ip}")), "{prefix}{ip}");
            }
        }
    }
}
