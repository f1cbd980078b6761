import { hash, randomBytes } from 'node:crypto'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const KEY_MARK = 'pur_'
const PREFIX_CHARACTERS = 8
const HIDDEN_CHARACTERS = 32
const TOKEN_BYTES = 32

export interface NewKey {
  /** Shown once: `pur_`, eight characters that stay visible and 32 (190 bits) that do not. */
  readonly key: string
  readonly prefix: string
  readonly hash: Buffer
}

export function newApiKey(): NewKey {
  const key = KEY_MARK + randomCharacters(PREFIX_CHARACTERS + HIDDEN_CHARACTERS)
  return toNewKey(key)
}

/** The same of a key that was chosen before, by the demo. */
export function toNewKey(key: string): NewKey {
  return { key, prefix: key.slice(0, KEY_MARK.length + PREFIX_CHARACTERS), hash: digest(key) }
}

/** A session's token: 256 random bits. */
export function newSessionToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url')
}

/** SHA-256: enough for keys and tokens, which are 190 and more random bits themselves. */
export function digest(secret: string): Buffer {
  return hash('sha256', secret, 'buffer')
}

/** Base 62 without bias: bytes beyond the last whole multiple of 62 are thrown away. */
export function randomCharacters(count: number): string {
  const usable = 256 - (256 % ALPHABET.length)
  let text = ''
  while (text.length < count) {
    for (const byte of randomBytes(count * 2)) {
      if (byte < usable && text.length < count) text += ALPHABET[byte % ALPHABET.length]
    }
  }
  return text
}
