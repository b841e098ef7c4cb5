// Addresses as people write them; on the wire they are 4 or 16 bytes.

export function address(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.');
  if (octets.length !== 16) return 'an unreadable address';
  const groups = Array.from({ length: 8 }, (_, n) => ((octets[2 * n] ?? 0) << 8) | (octets[2 * n + 1] ?? 0));
  // The longest run of zeros is left out (RFC 5952), the first where two are as long.
  let [from, length] = [0, 1];
  for (let at = 0; at < 8; at += 1) {
    let end = at;
    while (end < 8 && groups[end] === 0) end += 1;
    if (end - at > length) [from, length] = [at, end - at];
  }
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  return length === 1 ? hex(groups) : `${hex(groups.slice(0, from))}::${hex(groups.slice(from + length))}`;
}
