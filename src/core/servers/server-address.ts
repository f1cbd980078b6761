import ipaddr from 'ipaddr.js'
import { invalidField } from '../refusal.ts'
import { checkHostname } from './hostname.ts'
import type { NewAddress } from './server-store.ts'

export interface AddressInput {
  readonly address: string
  readonly gateway: string
  readonly prefix: number
  readonly ddosProtected: boolean
  /** The name that the address is looked up as; null: none. */
  readonly ptr: string | null
}

const ADDRESSES_MAX = 64

/** The addresses of a server, of which the first is the main one. Refuses `invalid_input`. */
export function checkAddresses(addresses: readonly AddressInput[]): NewAddress[] {
  if (addresses.length > ADDRESSES_MAX) {
    throw invalidField('/addresses', `may have at most ${ADDRESSES_MAX} items`, 'too_many_items')
  }
  return addresses.map((given, index) => {
    const pointer = `/addresses/${index}`
    const address = checkAddress(given.address, `${pointer}/address`)
    const gateway = checkAddress(given.gateway, `${pointer}/gateway`)
    if (gateway.kind() !== address.kind()) {
      throw invalidField(`${pointer}/gateway`, 'must be of the same version as the address')
    }
    const bits = address.kind() === 'ipv4' ? 32 : 128
    if (!Number.isInteger(given.prefix) || given.prefix < 0 || given.prefix > bits) {
      throw invalidField(`${pointer}/prefix`, `must be a whole number from 0 to ${bits}`)
    }
    return {
      address: address.toString(),
      gateway: gateway.toString(),
      prefix: given.prefix,
      main: index === 0,
      ddosProtected: given.ddosProtected,
      ptr: given.ptr === null ? null : checkHostname(given.ptr, `${pointer}/ptr`),
    }
  })
}

/** Four decimal numbers, or an IPv6 address without a zone; else refused. */
function checkAddress(text: string, pointer: string): ipaddr.IPv4 | ipaddr.IPv6 {
  const isAddress =
    ipaddr.IPv4.isValidFourPartDecimal(text) || (ipaddr.IPv6.isValid(text) && !text.includes('%'))
  if (!isAddress) throw invalidField(pointer, 'must be an IP address')
  return ipaddr.parse(text)
}
