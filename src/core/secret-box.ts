import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/**
 * Keeps secrets that Purser itself has to send: keys of upstreams, secrets that sign webhooks. They
 * are stored sealed with the installation's secret key, which the database and its backups do not
 * hold. What was sealed for one use opens for no other.
 */
export interface SecretBox {
  seal(use: SecretUse, secret: string): string
  /** Throws where it was sealed with another key or for another use, or was changed since. */
  open(use: SecretUse, sealed: string): string
}

export type SecretUse = 'upstream key' | 'webhook secret'

const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** How a sealed text begins, so that another way of sealing could follow. */
const MARK = 's1.'

/** `secretKey` is 32 random bytes. */
export function openSecretBox(secretKey: Buffer): SecretBox {
  const derive = (use: SecretUse) =>
    Buffer.from(hkdfSync('sha256', secretKey, '', `purser secret ${use}`, 32))
  const keys = {
    'upstream key': derive('upstream key'),
    'webhook secret': derive('webhook secret'),
  }
  return {
    seal(use, secret) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(CIPHER, keys[use], nonce)
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
      return MARK + Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url')
    },
    open(use, sealed) {
      if (!sealed.startsWith(MARK)) throw new Error('this is no sealed secret')
      const bytes = Buffer.from(sealed.slice(MARK.length), 'base64url')
      const nonce = bytes.subarray(0, NONCE_BYTES)
      const decipher = createDecipheriv(CIPHER, keys[use], nonce, { authTagLength: TAG_BYTES })
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
      const text = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES))
      return Buffer.concat([text, decipher.final()]).toString('utf8')
    },
  }
}
