import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

/**
 * What an idempotent repeat answers may hold a secret that is shown once, a new API key. It is
 * stored under a key derived from the secret that the caller signed in with, which the database
 * does not hold: the same caller gets the same answer, a copy of the database tells nothing.
 */
export interface Sealed {
  /** Base 64 of nonce, tag and text. */
  readonly sealed: string
}

const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16

export function seal(secret: string, value: unknown): Sealed {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, derive(secret, 'seal'), nonce)
  const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()])
  return { sealed: Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64') }
}

/** Throws where `secret` is not the one it was sealed with. */
export function unseal(secret: string, value: Sealed): unknown {
  const bytes = Buffer.from(value.sealed, 'base64')
  const decipher = createDecipheriv(
    CIPHER,
    derive(secret, 'seal'),
    bytes.subarray(0, NONCE_BYTES),
    { authTagLength: TAG_BYTES },
  )
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
  const text = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES))
  return JSON.parse(Buffer.concat([text, decipher.final()]).toString('utf8'))
}

/** A hash of an input that holds a password, of no use to who has only the database. */
export function keyedHash(secret: string, hash: Buffer): Buffer {
  return createHmac('sha256', derive(secret, 'input')).update(hash).digest()
}

function derive(secret: string, use: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `purser idempotency ${use}`, 32))
}
