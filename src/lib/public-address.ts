import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** IPv6 addresses that anybody on the Internet may have. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3')

/**
 * Whether messages may go to `address`: a public one, or one in `networks` (an address or a network
 * each), which the operator allows. Private, loopback, link-local, shared, multicast and reserved
 * addresses are not public, nor is what stands for such a one in IPv6.
 */
export function mayBeReached(address: string, networks: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  return isPublic(parsed) || networks.some((network) => holds(network, parsed))
}

/**
 * The address that `host`, as URL parsing leaves it, stands for by itself; undefined for a name that
 * only name servers know.
 */
export function addressOf(host: string): string | undefined {
  if (/^(.*\.)?localhost\.?$/.test(host)) return '127.0.0.1'
  const bare = host.replace(/^\[|\]$/g, '')
  return ipaddr.isValid(bare) ? bare : undefined
}

function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false
  return address.kind() === 'ipv4' || (address as ipaddr.IPv6).match(GLOBAL_IPV6)
}

function holds(network: string, address: Address): boolean {
  if (!network.includes('/')) return ipaddr.process(network).toString() === address.toString()
  const [base, bits] = ipaddr.parseCIDR(network)
  return base.kind() === address.kind() && address.match(base, bits)
}
