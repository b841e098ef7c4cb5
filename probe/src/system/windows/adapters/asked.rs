//! The calls, and the reading of lists of C.

#![expect(unsafe_code, reason = "GetAdaptersAddresses has no safe form; its lists are read while their room is alive")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr::null;

use windows_sys::Win32::Foundation::{ERROR_BUFFER_OVERFLOW, NO_ERROR};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GAA_FLAG_INCLUDE_GATEWAYS, GAA_FLAG_SKIP_ANYCAST, GAA_FLAG_SKIP_MULTICAST, GetAdaptersAddresses, GetIfEntry2,
    IP_ADAPTER_ADDRESSES_LH, MIB_IF_ROW2,
};
use windows_sys::Win32::NetworkManagement::Ndis::{IfOperStatusUp, NET_LUID_LH};
use windows_sys::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, AF_UNSPEC, SOCKADDR_IN, SOCKADDR_IN6, SOCKET_ADDRESS,
};

use super::super::{Adapter, Counters};

/// Room for the lists of most machines, in bytes, as the system's documentation advises.
const ROOM: u32 = 16 * 1024;
/// How often more room is given: adapters may come between two calls, but not for ever.
const TRIES: u32 = 4;

/// Lists the adapters; none where the system does not tell.
pub(in super::super) fn all() -> Vec<Adapter> {
    let mut size = ROOM;
    for _ in 0..TRIES {
        // In words, since structures of such are written into it.
        let mut room = vec![0_u64; usize::try_from(size).expect("32 bits fit").div_ceil(size_of::<u64>())];
        let first = room.as_mut_ptr().cast::<IP_ADAPTER_ADDRESSES_LH>();
        let flags = GAA_FLAG_INCLUDE_GATEWAYS | GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST;
        // SAFETY: the room is at least as large as `size` says, and aligned for what is written there.
        match unsafe { GetAdaptersAddresses(AF_UNSPEC.into(), flags, null(), first, &raw mut size) } {
            // SAFETY: the system has written a list there, and `room` is alive until it is read.
            NO_ERROR => return unsafe { list(first) },
            ERROR_BUFFER_OVERFLOW => {}
            _ => break,
        }
    }
    Vec::new()
}

/// Reads the list of adapters.
///
/// # Safety
/// `next` is null or what `GetAdaptersAddresses` has written, still alive.
unsafe fn list(mut next: *const IP_ADAPTER_ADDRESSES_LH) -> Vec<Adapter> {
    let mut adapters = Vec::new();
    // SAFETY: by the caller's promise; so are all further lists, to which the system's entries point.
    while let Some(entry) = unsafe { next.as_ref() } {
        // SAFETY: as above.
        adapters.push(unsafe { adapter(entry) });
        next = entry.Next;
    }
    adapters
}

/// Reads an adapter.
///
/// # Safety
/// It is an entry of the system's list, still alive.
unsafe fn adapter(entry: &IP_ADAPTER_ADDRESSES_LH) -> Adapter {
    let (mut addresses, mut gateways, mut servers) = (Vec::new(), Vec::new(), Vec::new());
    // SAFETY: all lists are null or the system's, and end by a null; its texts end by a zero.
    unsafe {
        let mut next = entry.FirstUnicastAddress;
        while let Some(unicast) = next.as_ref() {
            addresses.extend(address(&unicast.Address).map(|address| (address, unicast.OnLinkPrefixLength)));
            next = unicast.Next;
        }
        let mut next = entry.FirstGatewayAddress;
        while let Some(gateway) = next.as_ref() {
            gateways.extend(address(&gateway.Address));
            next = gateway.Next;
        }
        let mut next = entry.FirstDnsServerAddress;
        while let Some(server) = next.as_ref() {
            servers.extend(address(&server.Address));
            next = server.Next;
        }
        Adapter {
            name: text(entry.FriendlyName),
            description: text(entry.Description),
            kind: entry.IfType,
            is_up: entry.OperStatus == IfOperStatusUp,
            v6_index: entry.Ipv6IfIndex,
            speed: entry.TransmitLinkSpeed,
            mtu: entry.Mtu,
            v4_metric: entry.Ipv4Metric,
            v6_metric: entry.Ipv6Metric,
            addresses,
            gateways,
            servers,
            counters: counters(entry.Luid),
        }
    }
}

/// Asks what an adapter has counted.
fn counters(luid: NET_LUID_LH) -> Option<Counters> {
    let mut row = MIB_IF_ROW2 { InterfaceLuid: luid, ..MIB_IF_ROW2::default() };
    // SAFETY: the row lives through the call and says which adapter is meant.
    let result = unsafe { GetIfEntry2(&raw mut row) };
    (result == NO_ERROR).then_some(Counters {
        receive_errors: row.InErrors,
        transmit_errors: row.OutErrors,
        receive_drops: row.InDiscards,
        transmit_drops: row.OutDiscards,
    })
}

/// Reads a socket's address.
///
/// # Safety
/// It points to null or to an address of the family that it names.
unsafe fn address(socket: &SOCKET_ADDRESS) -> Option<IpAddr> {
    // SAFETY: by the caller's promise; the structures need not be aligned.
    unsafe {
        match socket.lpSockaddr.as_ref()?.sa_family {
            AF_INET => {
                let v4 = socket.lpSockaddr.cast::<SOCKADDR_IN>().read_unaligned();
                Some(Ipv4Addr::from(v4.sin_addr.S_un.S_addr.to_ne_bytes()).into())
            }
            AF_INET6 => {
                let v6 = socket.lpSockaddr.cast::<SOCKADDR_IN6>().read_unaligned();
                Some(Ipv6Addr::from(v6.sin6_addr.u.Byte).into())
            }
            _ => None,
        }
    }
}

/// Reads a text.
///
/// # Safety
/// It is null, or ends by a zero.
unsafe fn text(mut at: *const u16) -> String {
    let mut units = Vec::new();
    // SAFETY: by the caller's promise nothing beyond the zero is read.
    while let Some(&unit) = unsafe { at.as_ref() }.filter(|&&unit| unit != 0) {
        units.push(unit);
        // SAFETY: as above.
        at = unsafe { at.add(1) };
    }
    String::from_utf16_lossy(&units)
}
