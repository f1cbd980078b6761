import { randomFillSync } from 'node:crypto'

/** Crockford's base 32, lower case. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const ID_BYTES = 16
const pool = Buffer.alloc(ID_BYTES * 256)
let used = pool.length

/**
 * A public id: prefix, `_` and the 26 characters of a UUIDv7, as `req_01hxa3b4c5d6e7f8g9h0j1k2m3`.
 * Ids made later sort later, to the millisecond.
 */
export function publicId(prefix: string, nowMs: number): string {
  return `${prefix}_${base32(nextUuid(nowMs))}`
}

/** A UUIDv7 as databases write it: what stands behind a public id. */
export function uuidV7(nowMs: number): string {
  const hex = nextUuid(nowMs).toString('hex')
  return [8, 13, 18, 23].reduce((text, at) => `${text.slice(0, at)}-${text.slice(at)}`, hex)
}

/** `vps_` and the 26 characters of `uuid`. */
export function publicIdOf(prefix: string, uuid: string): string {
  return `${prefix}_${base32(Buffer.from(uuid.replaceAll('-', ''), 'hex'))}`
}

/**
 * The public id of the row `number` made at `at`: the same each time, and sorted as rows are. It is
 * a UUIDv7 in which the number stands where others are random.
 */
export function publicIdAt(prefix: string, o: { at: Date; number: bigint }): string {
  const bytes = Buffer.alloc(ID_BYTES)
  bytes.writeUIntBE(o.at.getTime(), 0, 6)
  bytes[6] = 0x70
  bytes.writeBigUInt64BE((2n << 62n) | o.number, 8)
  return `${prefix}_${base32(bytes)}`
}

/** The UUID behind a public id of this prefix; undefined for anything else. */
export function parsePublicId(prefix: string, text: string): string | undefined {
  if (!text.startsWith(`${prefix}_`)) return undefined
  const digits = text.slice(prefix.length + 1)
  if (!/^[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(digits)) return undefined
  let value = 0n
  for (const digit of digits) value = (value << 5n) | BigInt(ALPHABET.indexOf(digit))
  const hex = value.toString(16).padStart(ID_BYTES * 2, '0')
  return [8, 13, 18, 23].reduce((shown, at) => `${shown.slice(0, at)}-${shown.slice(at)}`, hex)
}

/** A row's number, where a text is one as we write it; undefined for anything else. */
export function parseNumber(text: string): bigint | undefined {
  return /^[1-9]\d{0,17}$/.test(text) ? BigInt(text) : undefined
}

/** Sixteen bytes of a shared block: read them before the next is asked for. */
function nextUuid(nowMs: number): Buffer {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const bytes = pool.subarray(used, used + ID_BYTES)
  used += ID_BYTES
  bytes.writeUIntBE(nowMs, 0, 6)
  bytes[6] = 0x70 | (bytes[6]! & 0x0f)
  bytes[8] = 0x80 | (bytes[8]! & 0x3f)
  return bytes
}

/** 128 bits as 26 characters, the first of which carries three bits. */
function base32(bytes: Buffer): string {
  let text = ''
  let bits = 2
  let value = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += ALPHABET[(value >>> bits) & 31]
    }
    value &= (1 << bits) - 1
  }
  return text
}
