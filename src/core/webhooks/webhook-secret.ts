import { randomBytes } from 'node:crypto'
import type { SecretBox } from '../secret-box.ts'

const SECRET_BYTES = 24

/** A new signing secret as Standard Webhooks writes them, sealed. */
export function newWebhookSecret(secrets: SecretBox): string {
  return secrets.seal('webhook secret', `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`)
}

export function openWebhookSecret(secrets: SecretBox, sealed: string): string {
  return secrets.open('webhook secret', sealed)
}
